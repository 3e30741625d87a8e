#include "server/rpc/audit_service.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/app/page_token.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/rpc/convert.h"

namespace warder::rpc {
namespace {

// A page ends after the event that passes this: gRPC clients take 4 MiB unless
// told otherwise.
constexpr size_t kPageBytes = 1 << 20;

}  // namespace

grpc::Status AuditService::ListEvents(grpc::ServerContext* context,
                                      const v1::ListEventsRequest* request,
                                      v1::ListEventsResponse* response) {
  return Handle(
      shared_, context, "warder.v1.AuditService/ListEvents",
      app::Permission::kReadAudit, *request, [&](const app::Request& call) {
        RETURN_IF_ERROR(
            runner_.Authorize(call, app::Permission::kReadAudit, "audit")
                .status());
        ASSIGN_OR_RETURN(
            const int size,
            app::PageSize({.size = request->page_size(), .token = ""}));
        ASSIGN_OR_RETURN(
            const std::string position,
            app::ParsePageToken("events", "", request->page_token()));
        int64_t after = request->after_sequence();
        if (!position.empty() && !absl::SimpleAtoi(position, &after)) {
          return FieldError("page_token", "is not one of this list");
        }
        if (after < 0) return FieldError("after_sequence", "is negative");
        std::vector<domain::AuditEvent> events;
        RETURN_IF_ERROR(runner_.store().Read([&](app::ReadTransaction& txn) {
          ASSIGN_OR_RETURN(events, txn.ListEvents(after, size + 1));
          return absl::OkStatus();
        }));
        bool more = static_cast<int>(events.size()) > size;
        if (more) events.pop_back();
        size_t bytes = 0;
        for (const auto& event : events) {
          if (bytes >= kPageBytes) {
            more = true;
            break;
          }
          v1::AuditEvent& out = *response->add_events();
          ToProto(event, &out);
          bytes += out.ByteSizeLong();
          after = event.sequence;
        }
        if (more) {
          response->set_next_page_token(
              app::MakePageToken("events", "", absl::StrCat(after)));
        }
        return absl::OkStatus();
      });
}

}  // namespace warder::rpc
