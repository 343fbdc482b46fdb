// How coroutines of this layer wait for Boost.Asio's operations.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace talent::node {

/// `co_await` gives a tuple that begins with the error code; nothing throws.
inline constexpr auto kTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

}  // namespace talent::node
