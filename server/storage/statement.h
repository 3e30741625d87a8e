// Statements prepared once and run many times, with their values bound by row
// type.
#ifndef WARDER_SERVER_STORAGE_STATEMENT_H_
#define WARDER_SERVER_STORAGE_STATEMENT_H_

#include <soci/soci.h>

#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"

namespace warder::storage {

// A row whose table is updated names the columns that never change and those
// that do.
template <typename Row>
concept Changeable = requires {
  Row::kChanges;
};

// The columns of Row, in the order of ForEachColumn.
template <typename Row>
std::string ColumnsOf() {
  if constexpr (Changeable<Row>) {
    return absl::StrCat(Row::kFixed, ", ", Row::kChanges);
  } else {
    return Row::kColumns;
  }
}

template <typename Row, typename F>
void ForEachColumn(Row& row, F f) {
  if constexpr (Changeable<Row>) {
    row.ForEachFixed(f);
    row.ForEachChange(f);
  } else {
    row.ForEachColumn(f);
  }
}

// A query whose parameters have types Args and whose rows are Row.
//
//   Select<KeyRow, std::string> living(sql, "SELECT ... WHERE issuer = :a");
//   ASSIGN_OR_RETURN(auto keys, living.All("checkout"));
//
// Not copyable, not movable: SOCI keeps addresses of the members. Not
// thread-safe. Throws what SOCI throws.
template <typename Row, typename... Args>
class Select {
 public:
  Select(soci::session& sql, const std::string& text) : statement_(sql) {
    statement_.alloc();
    ForEachColumn(row_, [&](auto& c) { statement_.exchange(soci::into(c)); });
    std::apply([&](auto&... a) { (statement_.exchange(soci::use(a)), ...); },
               args_);
    statement_.prepare(text);
    statement_.define_and_bind();
  }
  Select(const Select&) = delete;
  Select& operator=(const Select&) = delete;

  using Value = typename decltype(std::declval<Row>().To())::value_type;

  // Starts from the first row; Next returns it as a domain value, then the one
  // after, then nullopt.
  void Start(Args... args) {
    args_ = std::tuple<Args...>(std::move(args)...);
    statement_.execute(false);
  }
  absl::StatusOr<std::optional<Value>> Next() {
    if (!statement_.fetch()) return std::nullopt;
    return row_.To();
  }

  // Calls `visit` with each row.
  template <typename Visit>
  absl::Status Each(Visit visit, Args... args) {
    Start(std::move(args)...);
    while (true) {
      ASSIGN_OR_RETURN(std::optional<Value> value, Next());
      if (!value) return absl::OkStatus();
      visit(*std::move(value));
    }
  }

  absl::StatusOr<std::vector<Value>> All(Args... args) {
    std::vector<Value> values;
    RETURN_IF_ERROR(Each(
        [&](Value value) { values.push_back(std::move(value)); }, args...));
    return values;
  }

  absl::StatusOr<std::optional<Value>> First(Args... args) {
    std::optional<Value> first;
    RETURN_IF_ERROR(Each(
        [&](Value value) {
          if (!first) first = std::move(value);
        },
        args...));
    return first;
  }

 private:
  Row row_;
  std::tuple<Args...> args_;
  soci::statement statement_;
};

// A change whose values are the columns of Row followed by Args.
template <typename Row, typename... Args>
class Write {
 public:
  Write(soci::session& sql, const std::string& text)
      : Write(sql, text,
              [](Row& row, auto bind) { ForEachColumn(row, bind); }) {}
  Write(const Write&) = delete;
  Write& operator=(const Write&) = delete;

  Row& row() { return row_; }

  // Runs with what row() holds; returns how many rows changed.
  long long Run(Args... args) {
    args_ = std::tuple<Args...>(std::move(args)...);
    statement_.execute(true);
    return statement_.get_affected_rows();
  }

 protected:
  template <typename BindColumns>
  Write(soci::session& sql, const std::string& text, BindColumns columns)
      : statement_(sql) {
    statement_.alloc();
    columns(row_, [&](auto& c) { statement_.exchange(soci::use(c)); });
    std::apply([&](auto&... a) { (statement_.exchange(soci::use(a)), ...); },
               args_);
    statement_.prepare(text);
    statement_.define_and_bind();
  }

 private:
  Row row_;
  std::tuple<Args...> args_;
  soci::statement statement_;
};

// As Write, with the columns of Row that change.
template <typename Row, typename... Args>
class Update : public Write<Row, Args...> {
 public:
  Update(soci::session& sql, const std::string& text)
      : Write<Row, Args...>(
            sql, text, [](Row& row, auto bind) { row.ForEachChange(bind); }) {}
};

// For changes that bind Args alone.
struct NoRow {
  template <typename F>
  void ForEachColumn(F) {}
};

// One text or number column.
template <typename T>
struct One {
  T value{};
  template <typename F>
  void ForEachColumn(F f) {
    f(value);
  }
  absl::StatusOr<T> To() const { return value; }
};

// Text and number.
struct CountRow {
  std::string name;
  long long count = 0;
  template <typename F>
  void ForEachColumn(F f) {
    f(name), f(count);
  }
  absl::StatusOr<std::pair<std::string, int64_t>> To() const {
    return std::make_pair(name, int64_t{count});
  }
};

}  // namespace warder::storage

#endif  // WARDER_SERVER_STORAGE_STATEMENT_H_
