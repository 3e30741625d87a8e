// Two macros for .cc files: return early on an error. Shaped like Abseil
// 20260526's, so that an upgrade is two #define lines.
#ifndef WARDER_SERVER_BASE_STATUS_MACROS_H_
#define WARDER_SERVER_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define WARDER_MACRO_CONCAT_INNER(a, b) a##b
#define WARDER_MACRO_CONCAT(a, b) WARDER_MACRO_CONCAT_INNER(a, b)

// RETURN_IF_ERROR(expr): returns the absl::Status of `expr` unless it is OK.
//
// The names come from __COUNTER__: a macro inside a lambda that is an argument
// of another macro has that one's __LINE__.
#define RETURN_IF_ERROR(expr) \
  RETURN_IF_ERROR_IMPL(WARDER_MACRO_CONCAT(warder_status_, __COUNTER__), expr)
#define RETURN_IF_ERROR_IMPL(tmp, expr) \
  do {                                  \
    absl::Status tmp = (expr);          \
    if (!tmp.ok()) return tmp;          \
  } while (false)

// ASSIGN_OR_RETURN(lhs, expr): `lhs` takes the value of the StatusOr `expr`.
#define ASSIGN_OR_RETURN(lhs, expr) \
  ASSIGN_OR_RETURN_IMPL(WARDER_MACRO_CONCAT(warder_or_, __COUNTER__), lhs, expr)
#define ASSIGN_OR_RETURN_IMPL(tmp, lhs, expr) \
  auto tmp = (expr);                          \
  if (!tmp.ok()) return tmp.status();         \
  lhs = *std::move(tmp)

#endif  // WARDER_SERVER_BASE_STATUS_MACROS_H_
