// The version every program prints.
#ifndef WARDER_SERVER_BASE_VERSION_H_
#define WARDER_SERVER_BASE_VERSION_H_

namespace warder {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace warder

#endif  // WARDER_SERVER_BASE_VERSION_H_
