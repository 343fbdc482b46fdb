// Every field of a protobuf message, wrong in every way: for tests of what reads messages.
#pragma once

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <string>
#include <utility>

namespace talent::support {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

using Visitor = std::function<void(const std::string& what)>;

/// Calls `visit` with `at` changed in one field, at any depth, for each field and way: absent,
/// truncated, longer, oversized, another, one less, one twice, a thousand more; then as it was.
inline void ForEachChange(Message& at, const std::string& path, const Visitor& visit);

template <class T, class Set>
void TryValues(const std::string& path, T old, std::initializer_list<T> values, const Set& set,
               const Visitor& visit) {
  for (const T value : values) {
    if (value == old) continue;
    set(value);
    visit(fmt::format("{} = {}", path, value));
  }
  set(old);
}

inline void ChangeBytes(Message& at, const FieldDescriptor* field, int index,
                        const std::string& path, const Visitor& visit) {
  const auto* reflection = at.GetReflection();
  const auto set = [&](const std::string& value) {
    if (index < 0) return reflection->SetString(&at, field, value);
    reflection->SetRepeatedString(&at, field, index, value);
  };
  const std::string old = index < 0 ? reflection->GetString(at, field)
                                    : reflection->GetRepeatedString(at, field, index);
  std::string flipped = old;
  if (!flipped.empty()) flipped[flipped.size() / 2] ^= 1;
  const std::pair<const char*, std::string> ways[] = {
      {"absent", ""},
      {"truncated", old.substr(0, old.size() - (old.empty() ? 0 : 1))},
      {"longer", old + "x"},
      {"oversized", old + std::string(100'000, 'x')},
      {"other", flipped}};
  for (const auto& [way, value] : ways) {
    if (value == old) continue;
    set(value);
    visit(fmt::format("{} {}", path, way));
  }
  set(old);
}

inline void ChangeRepeated(Message& at, const FieldDescriptor* field, const std::string& path,
                           const Visitor& visit) {
  const auto* reflection = at.GetReflection();
  const std::unique_ptr<Message> old(at.New());
  old->CopyFrom(at);
  const auto changed = [&](const char* way) {
    visit(fmt::format("{} {}", path, way));
    at.CopyFrom(*old);
  };
  reflection->ClearField(&at, field);
  changed("absent");
  const int size = reflection->FieldSize(at, field);
  if (size == 0) return;
  reflection->RemoveLast(&at, field);
  changed("one less");
  for (int times = 1; times <= 1000; times *= 1000) {
    for (int i = 0; i < times; ++i) {
      if (field->type() == FieldDescriptor::TYPE_MESSAGE) {
        reflection->AddMessage(&at, field)
            ->CopyFrom(reflection->GetRepeatedMessage(*old, field, size - 1));
      } else if (field->type() == FieldDescriptor::TYPE_BYTES) {
        reflection->AddString(&at, field, reflection->GetRepeatedString(*old, field, size - 1));
      } else {
        reflection->AddUInt64(&at, field, reflection->GetRepeatedUInt64(*old, field, size - 1));
      }
    }
    changed(times == 1 ? "one twice" : "a thousand more");
  }
  if (field->type() == FieldDescriptor::TYPE_MESSAGE) {
    ForEachChange(*reflection->MutableRepeatedMessage(&at, field, 0), path + "[0]", visit);
  } else if (field->type() == FieldDescriptor::TYPE_BYTES) {
    ChangeBytes(at, field, 0, path + "[0]", visit);
  }
}

inline void ForEachChange(Message& at, const std::string& path, const Visitor& visit) {
  const auto* reflection = at.GetReflection();
  for (int i = 0; i < at.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = at.GetDescriptor()->field(i);
    const std::string name = path + "." + field->name();
    if (field->is_repeated()) {
      ChangeRepeated(at, field, name, visit);
      continue;
    }
    if (field->has_presence() && !reflection->HasField(at, field)) continue;  // of another kind
    switch (field->type()) {
      case FieldDescriptor::TYPE_UINT64:
        TryValues<std::uint64_t>(
            name, reflection->GetUInt64(at, field),
            {0, 1, 5, 40, std::uint64_t{1} << 62, std::numeric_limits<std::uint64_t>::max()},
            [&](std::uint64_t v) { reflection->SetUInt64(&at, field, v); }, visit);
        break;
      case FieldDescriptor::TYPE_UINT32:
        TryValues<std::uint32_t>(
            name, reflection->GetUInt32(at, field),
            {0, 1, 3, 4, std::numeric_limits<std::uint32_t>::max()},
            [&](std::uint32_t v) { reflection->SetUInt32(&at, field, v); }, visit);
        break;
      case FieldDescriptor::TYPE_BOOL:
        TryValues<bool>(
            name, reflection->GetBool(at, field), {false, true},
            [&](bool v) { reflection->SetBool(&at, field, v); }, visit);
        break;
      case FieldDescriptor::TYPE_ENUM:
        TryValues<int>(
            name, reflection->GetEnumValue(at, field), {0, 1, 2, 99},
            [&](int v) { reflection->SetEnumValue(&at, field, v); }, visit);
        break;
      case FieldDescriptor::TYPE_STRING:
      case FieldDescriptor::TYPE_BYTES:
        ChangeBytes(at, field, -1, name, visit);
        break;
      case FieldDescriptor::TYPE_MESSAGE: {
        const std::unique_ptr<Message> old(at.New());
        old->CopyFrom(at);
        reflection->ClearField(&at, field);
        visit(name + " absent");
        at.CopyFrom(*old);
        ForEachChange(*reflection->MutableMessage(&at, field), name, visit);
        break;
      }
      default:
        FAIL() << name << ": no values for such a field here";
    }
  }
}

}  // namespace talent::support
