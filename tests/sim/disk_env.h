// RocksDB on a simulated disk.
#pragma once

#include <rocksdb/env.h>

#include <memory>

#include "sim/disk.h"

namespace talent::sim {

std::unique_ptr<rocksdb::Env> MakeEnv(Disk& disk);

}  // namespace talent::sim
