// Calls over a real TLS listener with real certificates, on fakes below.
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <fstream>

#include "absl/strings/match.h"
#include "client/client.h"
#include "client/ledger_fetcher.h"
#include "client/observe.h"
#include "server/app/client_certificates.h"
#include "server/app/gateway_manager.h"
#include "server/base/base64url.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/crypto/certificate.h"
#include "server/rpc/audit_service.h"
#include "server/rpc/certificate_service.h"
#include "server/rpc/exposure_service.h"
#include "server/rpc/grpc_server.h"
#include "server/rpc/issuer_service.h"
#include "server/rpc/key_service.h"
#include "server/rpc/ledger_service.h"
#include "server/rpc/owner_service.h"
#include "server/rpc/status_convert.h"
#include "server/rpc/status_service.h"
#include "server/rpc/subject_service.h"
#include "server/rpc/token_service.h"
#include "server/vault/private_authority.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_app.h"
#include "warder/v1/error_details.pb.h"

namespace warder::rpc {

using Keys = v1::KeyService::Stub;
using Issuers = v1::IssuerService::Stub;
using Owners = v1::OwnerService::Stub;

class RpcTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { RequireTls13(); }

  void SetUp() override {
    const absl::Time now = system_.TimeNow();
    auto sealed = vault::PrivateAuthority::Create(sealer_, "CA", now);
    ASSERT_OK(sealed);
    auto authority = vault::PrivateAuthority::Load(sealer_, *sealed);
    ASSERT_OK(authority);
    authority_ = *std::move(authority);
    certificates_.emplace(app_.runner, *authority_);
    certificate_rpc_.emplace(shared_, *certificates_);
    leaver_certificates_.emplace(app_.runner, *authority_,
                                 "https://keys.example");
    owner_rpc_.emplace(shared_, app_.owners, app_.departures, app_.attestations,
                       *leaver_certificates_);
    auto identity = authority_->IssueServer({"localhost"}, absl::Hours(1), now);
    ASSERT_OK(identity);
    auto server = GrpcServer::Start(
        {.address = "127.0.0.1:0",
         .certificate_pem = identity->certificate_pem,
         .private_key_pem = identity->private_key_pem,
         .authority_pem = authority_->AuthorityPem()},
        {&issuer_rpc_, &key_rpc_, &*owner_rpc_, &exposure_rpc_, &token_rpc_,
         &ledger_rpc_, &subject_rpc_, &audit_rpc_, &*certificate_rpc_,
         &status_rpc_});
    ASSERT_OK(server);
    server_ = *std::move(server);
    app_.MustSetUp();
  }

  // Writes a profile for warder://`principal`, certified by `authority`.
  client::Profile ProfileOf(const std::string& principal,
                            vault::PrivateAuthority& authority,
                            absl::Duration lifetime = absl::Hours(1)) {
    std::string base = principal;
    std::replace(base.begin(), base.end(), '/', '-');
    base = dir_.File(base + std::to_string(next_++));
    const auto key = *crypto::PrivateKey::Generate(crypto::KeyType::kP256);
    const auto request = *crypto::CreateCertificateRequest(key, "x");
    std::ofstream(base + ".pem") << *authority.Issue(
        request, "warder://" + principal, lifetime, system_.TimeNow());
    std::ofstream(base + "-key.pem") << *crypto::PrivateKeyPem(key);
    std::ofstream(base + "-ca.pem") << authority_->AuthorityPem();
    client::Profile profile;
    profile.address = "localhost:" + std::to_string(server_->port());
    profile.certificate = base + ".pem";
    profile.private_key = base + "-key.pem";
    profile.authority = base + "-ca.pem";
    return profile;
  }

  std::unique_ptr<client::Client> MustConnect(const std::string& principal) {
    auto connected = client::Client::Connect(
        ProfileOf(principal, *authority_), app_.random, system_.TimeNow(),
        [this](absl::Duration d) { slept_ += d; });
    EXPECT_OK(connected.status());
    return *std::move(connected);
  }

  void MustRegisterEdge() {
    domain::Gateway gateway;
    gateway.id = GatewayId("edge");
    gateway.consumer = "libwarder";
    gateway.reach = domain::Reach::kStream;
    gateway.issuers = {IssuerId("shop")};
    ASSERT_OK(gateways_.Create(app_.As("security/sam"), gateway));
  }

  SystemClock system_;
  TempDir dir_;
  int next_ = 0;
  absl::Duration slept_;
  crypto::Sealer sealer_{SecretBytes(crypto::kKeyEncryptionKeyBytes)};
  std::unique_ptr<vault::PrivateAuthority> authority_;
  TestApp app_;
  std::optional<app::ClientCertificates> certificates_;
  HandlerContext shared_{app_.runner};
  IssuerService issuer_rpc_{shared_, app_.issuers};
  KeyService key_rpc_{shared_, app_.keys};
  std::optional<app::LeaverCertificates> leaver_certificates_;
  std::optional<OwnerService> owner_rpc_;
  ExposureService exposure_rpc_{shared_, app_.exposures};
  TokenService token_rpc_{shared_, app_.signer};
  app::GatewayDirectory directory_;
  app::GatewayManager gateways_{app_.runner, directory_};
  app::LedgerChecker checker_{app_.runner, directory_, *app_.ledger};
  app::SubjectManager subjects_{app_.runner, app_.random, checker_,
                                *app_.subject_sets};
  app::AlarmManager alarms_{app_.runner};
  app::KeyUsage usage_{app_.runner, *app_.ledger, app_.signer_usage};
  app::ObservationIntake observations_{
      app_.runner,        directory_, checker_, *app_.ledger,
      *app_.subject_sets, usage_,     alarms_};
  LedgerService ledger_rpc_{shared_, checker_, observations_, usage_};
  SubjectService subject_rpc_{shared_, subjects_};
  AuditService audit_rpc_{shared_, app_.runner};
  StatusService status_rpc_{shared_, app_.runner, app_.loop};
  std::optional<CertificateService> certificate_rpc_;
  std::unique_ptr<GrpcServer> server_;
};

TEST_F(RpcTest, TheMainJobOverTheWire) {
  auto security = MustConnect("security/sam");
  v1::ListKeysRequest list;
  list.set_parent("issuers/shop");
  list.set_state(v1::KEY_STATE_ACTIVE);
  ASSERT_OK_AND_ASSIGN(const auto keys,
                       security->Call(&Keys::ListKeys, list, true));
  ASSERT_EQ(keys.keys_size(), 1);
  v1::RevokeKeyRequest revoke;
  revoke.set_name(keys.keys(0).name());
  revoke.set_reason(v1::REVOCATION_REASON_COMPROMISED);
  ASSERT_OK_AND_ASSIGN(const auto revoked,
                       security->Call(&Keys::RevokeKey, revoke));
  EXPECT_EQ(revoked.state(), v1::KEY_STATE_REVOKED);
  EXPECT_FALSE(revoked.private_half_held());
  auto signer = MustConnect("signer/checkout");
  v1::SignJwtRequest sign;
  sign.set_issuer("issuers/shop");
  sign.add_audiences("api");
  ASSERT_OK_AND_ASSIGN(const auto token,
                       signer->Call(&v1::TokenService::Stub::SignJwt, sign));
  EXPECT_NE(token.kid(), revoked.kid());
  v1::ReportDepartureRequest depart;
  depart.set_name("owners/alice");
  ASSERT_OK_AND_ASSIGN(
      const auto departure,
      MustConnect("hr/hook")->Call(&Owners::ReportDeparture, depart));
  EXPECT_TRUE(departure.done());
  EXPECT_EQ(departure.issuers(0).owner(), "owners/bob");
}

// The signing input of a token that was never issued.
std::string MakeForgery(absl::Time now, const std::string& kid) {
  return Base64UrlEncode(WriteJson({{"alg", "ES256"}, {"kid", kid}})) + "." +
         Base64UrlEncode(WriteJson(
             {{"iat", absl::ToUnixSeconds(now)}, {"jti", "forged-1"}}));
}

// Says nothing, and counts who asked.
class SilentServer : public client::IssuanceChecker {
 public:
  client::Issuance Check(const client::SeenToken&) override {
    ++asked;
    return client::Issuance::kIndeterminate;
  }
  int asked = 0;
};

TEST_F(RpcTest, AGatewayFetchesWhatItNeedsToJudgeByItself) {
  MustRegisterEdge();
  v1::SignJwtRequest sign;
  sign.set_issuer("issuers/shop");
  sign.add_audiences("api");
  ASSERT_OK_AND_ASSIGN(const auto token,
                       MustConnect("signer/checkout")
                           ->Call(&v1::TokenService::Stub::SignJwt, sign));
  const std::string input = token.token().substr(0, token.token().rfind('.'));
  const client::SeenToken seen{.issuer = "issuers/shop",
                               .kid = token.kid(),
                               .issue_time = app_.clock.TimeNow(),
                               .signing_input = input,
                               .audience = {},
                               .source = {}};
  app_.clock.AdvanceTime(absl::Minutes(10));
  ASSERT_OK(app_.ledger->Tick(app_.clock.TimeNow(), [](const IssuerId&) {
    return ledger::Retention{.longest_life = absl::Hours(2)};
  }));

  SilentServer silent;
  client::HeldLedger held(silent, nullptr);
  client::HeldSubjects subjects;
  client::PublishedSet set;
  set.issuer = "issuers/shop";
  set.max_token_lifetime = absl::Hours(1);
  const auto edge = MustConnect("gateway/edge");
  int changes = 0;
  client::LedgerFetcher fetcher(
      *edge, app_.clock,
      [&] {
        return std::map<std::string, client::PublishedSet>{{set.issuer, set}};
      },
      held, subjects, [&] { ++changes; });
  fetcher.Tick();
  EXPECT_EQ(held.status().segments, 0u);  // nobody enforces
  set.issuance_mode = client::IssuanceMode::kEnforce;
  for (int round = 0; round < 2; ++round) fetcher.Tick();
  EXPECT_EQ(held.status().segments, 1u);
  EXPECT_EQ(held.Check(seen), client::Issuance::kIssued);
  EXPECT_EQ(silent.asked, 0);
  const std::string forged = input + "x";
  client::SeenToken other = seen;
  other.signing_input = forged;
  EXPECT_EQ(held.Check(other), client::Issuance::kNeverIssued);

  EXPECT_EQ(subjects.size(), 0u);
  const auto security = MustConnect("security/sam");
  v1::SubjectService::Stub stub(security->channel());
  grpc::ClientContext context;
  v1::SubjectSet loaded;
  const auto writer = stub.LoadSubjects(&context, &loaded);
  v1::LoadSubjectsRequest message;
  message.set_parent("issuers/shop");
  message.add_subjects("ann");
  EXPECT_TRUE(writer->Write(message));
  message.Clear();
  message.add_subjects("ben");
  message.set_count(2);
  EXPECT_TRUE(writer->Write(message));
  writer->WritesDone();
  ASSERT_TRUE(writer->Finish().ok());
  EXPECT_EQ(loaded.count(), 2);
  EXPECT_EQ(loaded.name(), "issuers/shop/subjectSet");
  EXPECT_EQ(loaded.loaded_by(), "security/sam");
  for (int round = 0; round < 2; ++round) fetcher.Tick();
  EXPECT_EQ(subjects.size(), 2u);
  EXPECT_EQ(changes, 1);
  EXPECT_FALSE(subjects.IsUnknown("issuers/shop", "ben"));
  EXPECT_TRUE(subjects.IsUnknown("issuers/shop", "nobody"));
  v1::DeleteSubjectSetRequest remove;
  remove.set_name("issuers/shop/subjectSet");
  ASSERT_OK(security->Call(&v1::SubjectService::Stub::DeleteSubjectSet, remove)
                .status());
  fetcher.Tick();
  EXPECT_EQ(subjects.size(), 0u);
}

// gRPC reads no message with half a character in it: one such token would
// silence a gateway for good.
TEST_F(RpcTest, NoTokenKeepsAGatewayFromReporting) {
  MustRegisterEdge();
  const auto edge = MustConnect("gateway/edge");
  client::Observer observer(*edge, app_.clock,
                            {.instance = "edge-1", .incarnation = "one"});
  const std::string audience = std::string(511, 'a') + "\xc3\xa9";
  const std::string forged = MakeForgery(app_.clock.TimeNow(), "k");
  client::SeenToken seen{.issuer = "issuers/shop",
                         .kid = "k",
                         .issue_time = app_.clock.TimeNow(),
                         .signing_input = forged,
                         .audience = audience,
                         .source = "\xff"};
  observer.Accepted(seen);
  observer.Tick();
  EXPECT_OK(observer.status().last_error);
  EXPECT_EQ(observer.status().reported, 1);
  EXPECT_EQ(observer.status().never_issued, 1);
  observer.Tick();  // it is shown
  EXPECT_OK(observer.status().last_error);
  const auto alarms = alarms_.List(app_.As("security/sam"), {}, true);
  ASSERT_OK(alarms.status());
  ASSERT_EQ(alarms->items.size(), 1u);
  EXPECT_TRUE(absl::StrContains(alarms->items[0].evidence, "forged-1"));
}

TEST_F(RpcTest, ALoadThatIsCutShortIsNone) {
  const auto security = MustConnect("security/sam");
  v1::SubjectService::Stub stub(security->channel());
  v1::SubjectSet loaded;
  {
    grpc::ClientContext context;
    const auto writer = stub.LoadSubjects(&context, &loaded);
    v1::LoadSubjectsRequest message;
    message.set_parent("issuers/shop");
    message.add_subjects("ann");
    EXPECT_TRUE(writer->Write(message));
    context.TryCancel();
    EXPECT_FALSE(writer->Finish().ok());
  }
  for (const int64_t count : {0, 2, 3}) {  // 0: nobody says that it is all
    grpc::ClientContext context;
    const auto writer = stub.LoadSubjects(&context, &loaded);
    v1::LoadSubjectsRequest message;
    message.set_parent("issuers/shop");
    message.add_subjects("ann");
    if (count > 0) message.set_count(count);
    writer->Write(message);
    writer->WritesDone();
    EXPECT_THAT(client::FromGrpc(writer->Finish()),
                FailsWith(Reason::kInvalidField, "subjects came"))
        << count;
  }
  v1::GetSubjectSetRequest get;
  get.set_name("issuers/shop/subjectSet");
  EXPECT_THAT(
      security->Call(&v1::SubjectService::Stub::GetSubjectSet, get, true),
      FailsWith(Reason::kNotFound, "subjectSet"));
  get.set_name("issuers/shop");
  EXPECT_THAT(
      security->Call(&v1::SubjectService::Stub::GetSubjectSet, get, true),
      FailsWith(Reason::kInvalidField, "issuers/ISSUER/subjectSet"));
}

TEST_F(RpcTest, ErrorsCarryReasonAndField) {
  auto security = MustConnect("security/sam");
  v1::GetKeyRequest get;
  get.set_name("issuers/shop/keys/short");
  const auto bad = security->Call(&Keys::GetKey, get, true);
  EXPECT_THAT(bad, FailsWith(Reason::kInvalidField, "short"));
  EXPECT_EQ(FieldOf(bad.status()), "name");
  v1::CreateIssuerRequest create;
  create.set_issuer_id("x");
  create.mutable_issuer()->set_owner("owners/alice");
  create.mutable_issuer()->add_deputies("owners/bob");
  create.mutable_issuer()->mutable_policy()->mutable_publish_ahead();
  EXPECT_THAT(security->Call(&Issuers::CreateIssuer, create),
              FailsWith(Reason::kPolicyBreaksTiming, "publish_ahead"));
  create.mutable_issuer()->mutable_policy()->mutable_publish_ahead()->set_nanos(
      -5);
  create.mutable_issuer()
      ->mutable_policy()
      ->mutable_publish_ahead()
      ->set_seconds(5);
  EXPECT_THAT(security->Call(&Issuers::CreateIssuer, create),
              FailsWith(Reason::kInvalidField, "policy.publish_ahead"));
}

TEST_F(RpcTest, TimesThatProtobufDoesNotKnowAreRefusedByField) {
  auto security = MustConnect("security/sam");
  for (const auto& [seconds, nanos] :
       std::vector<std::pair<int64_t, int32_t>>{{1, -1},
                                                {-1, 1},
                                                {0, INT32_MIN},
                                                {0, 1000000000},
                                                {INT64_MAX, 0},
                                                {INT64_MIN, 0}}) {
    v1::UpdateIssuerRequest update;
    update.mutable_issuer()->set_name("issuers/shop");
    auto& period =
        *update.mutable_issuer()->mutable_policy()->mutable_rotation_period();
    period.set_seconds(seconds);
    period.set_nanos(nanos);
    update.mutable_update_mask()->add_paths("policy");
    EXPECT_THAT(
        security->Call(&v1::IssuerService::Stub::UpdateIssuer, update).status(),
        FailsWith(Reason::kInvalidField, "policy.rotation_period"));
  }
  v1::ReportDepartureRequest report;
  report.set_name("owners/alice");
  report.mutable_instant()->set_seconds(INT64_MAX);
  EXPECT_THAT(
      security->Call(&v1::OwnerService::Stub::ReportDeparture, report).status(),
      FailsWith(Reason::kInvalidField, "instant"));
}

TEST_F(RpcTest, AGrantWithoutALifetimeFollowsThePolicyInAnyOrderOfTheMask) {
  auto security = MustConnect("security/sam");
  for (const auto& mask : std::vector<std::vector<std::string>>{
           {"grants", "policy"}, {"policy", "grants"}, {"grants"}}) {
    v1::UpdateIssuerRequest update;
    v1::Issuer& issuer = *update.mutable_issuer();
    issuer.set_name("issuers/shop");
    issuer.mutable_policy()->mutable_max_token_lifetime()->set_seconds(300);
    v1::Grant& grant = *issuer.add_grants();
    grant.set_signer("checkout");
    grant.add_audiences("api");
    for (const std::string& path : mask) {
      update.mutable_update_mask()->add_paths(path);
    }
    ASSERT_OK_AND_ASSIGN(
        const v1::Issuer updated,
        security->Call(&v1::IssuerService::Stub::UpdateIssuer, update));
    EXPECT_EQ(updated.grants(0).max_lifetime().seconds(), 300);
    EXPECT_THAT(app_.Events().back().detail,
                testing::HasSubstr("\"max_lifetime\":\"5m\""));
  }
}

TEST_F(RpcTest, RolesAreHeldAtTheDoor) {
  v1::ListKeysRequest list;
  for (const char* who :
       {"hr/hook", "signer/checkout", "gateway/g", "operator/o"}) {
    EXPECT_THAT(MustConnect(who)->Call(&Keys::ListKeys, list, true),
                FailsWith(Reason::kPermissionDenied))
        << who;
  }
  EXPECT_OK(MustConnect("auditor/ann")->Call(&Keys::ListKeys, list, true));
}

TEST_F(RpcTest, WhoMayNotCallIsDeniedWhateverHeSends) {
  auto gateway = MustConnect("gateway/edge");
  v1::RevokeKeyRequest malformed;
  malformed.set_name("nonsense");
  EXPECT_THAT(
      gateway->Call(&v1::KeyService::Stub::RevokeKey, malformed).status(),
      FailsWith(Reason::kPermissionDenied));
  EXPECT_TRUE(app_.Events().back().denied);
  EXPECT_EQ(app_.Events().back().actor, "gateway/edge");
}

TEST_F(RpcTest, NobodyWithoutOurCertificateGetsPastTheHandshake) {
  v1::GetStatusRequest status;
  // Another CA signs for the same name.
  ASSERT_OK_AND_ASSIGN(
      const auto sealed,
      vault::PrivateAuthority::Create(sealer_, "CA", system_.TimeNow()));
  ASSERT_OK_AND_ASSIGN(auto foreign,
                       vault::PrivateAuthority::Load(sealer_, sealed));
  ASSERT_OK_AND_ASSIGN(
      auto stranger,
      client::Client::Connect(ProfileOf("security/sam", *foreign), app_.random,
                              system_.TimeNow(), [](absl::Duration) {}));
  EXPECT_THAT(stranger->Call(&v1::StatusService::Stub::GetStatus, status, true),
              FailsWith(Reason::kUnreachable));
  // No certificate at all.
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = authority_->AuthorityPem();
  auto stub = v1::StatusService::NewStub(
      grpc::CreateChannel("localhost:" + std::to_string(server_->port()),
                          grpc::SslCredentials(tls)));
  grpc::ClientContext context;
  v1::ServiceStatus answer;
  EXPECT_EQ(stub->GetStatus(&context, status, &answer).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(RpcTest, AnExpiredCertificateIsNamedBeforeTheCall) {
  const auto profile =
      ProfileOf("security/sam", *authority_, absl::Milliseconds(1));
  EXPECT_THAT(client::Client::Connect(profile, app_.random,
                                      system_.TimeNow() + absl::Seconds(2),
                                      [](absl::Duration) {}),
              FailsWith(Reason::kCertificate, "expired at"));
}

TEST_F(RpcTest, AnExpiredCertificateDoesNotGetPastTheServerEither) {
  // A client that does not look at its own certificate.
  const absl::Time past = system_.TimeNow() - absl::Hours(1);
  ASSERT_OK_AND_ASSIGN(
      auto expired,
      client::Client::Connect(
          ProfileOf("security/sam", *authority_, -absl::Seconds(30)),
          app_.random, past, [](absl::Duration) {}));
  EXPECT_THAT(expired->Call(&v1::StatusService::Stub::GetStatus,
                            v1::GetStatusRequest(), true),
              FailsWith(Reason::kUnreachable));
}

TEST_F(RpcTest, ACertificateThatNamesNoCallerIsDeniedAndAudited) {
  EXPECT_THAT(MustConnect("root/x")->Call(&v1::StatusService::Stub::GetStatus,
                                          v1::GetStatusRequest(), true),
              FailsWith(Reason::kUnauthenticated, "warder://root/x"));
  const auto event = app_.Events().back();
  EXPECT_TRUE(event.denied);
  EXPECT_EQ(event.actor, "unauthenticated");
}

TEST_F(RpcTest, ACertificateIssuedOverTheWireWorks) {
  auto security = MustConnect("security/sam");
  const auto key = *crypto::PrivateKey::Generate(crypto::KeyType::kP256);
  v1::IssueCertificateRequest request;
  request.set_certificate_request(*crypto::CreateCertificateRequest(key, "x"));
  request.set_role("auditor");
  request.set_certificate_name("ann");
  ASSERT_OK_AND_ASSIGN(
      const auto issued,
      security->Call(&v1::CertificateService::Stub::IssueCertificate, request));
  ASSERT_OK_AND_ASSIGN(const auto info,
                       crypto::DescribeCertificate(issued.certificate()));
  EXPECT_EQ(info.uri, "warder://auditor/ann");
  // Sent again it is the same certificate, and no further event.
  request.set_request_id("again");
  ASSERT_OK_AND_ASSIGN(
      const auto first,
      security->Call(&v1::CertificateService::Stub::IssueCertificate, request));
  const size_t events = app_.Events().size();
  ASSERT_OK_AND_ASSIGN(
      const auto second,
      security->Call(&v1::CertificateService::Stub::IssueCertificate, request));
  EXPECT_EQ(second.certificate(), first.certificate());
  EXPECT_EQ(second.expire_time().seconds(), first.expire_time().seconds());
  EXPECT_EQ(app_.Events().size(), events);
  request.clear_request_id();
  request.set_role("root");
  EXPECT_THAT(
      security->Call(&v1::CertificateService::Stub::IssueCertificate, request),
      FailsWith(Reason::kInvalidField, "role"));
  EXPECT_THAT(MustConnect("hr/hook")->Call(
                  &v1::CertificateService::Stub::IssueCertificate, request),
              FailsWith(Reason::kPermissionDenied));
}

TEST_F(RpcTest, UpdatesSayWhichFieldsTheyCannotChange) {
  auto security = MustConnect("security/sam");
  v1::UpdateIssuerRequest update;
  update.mutable_issuer()->set_name("issuers/shop");
  EXPECT_THAT(security->Call(&Issuers::UpdateIssuer, update),
              FailsWith(Reason::kInvalidField, "names no field"));
  update.mutable_update_mask()->add_paths("issuer_uri");
  EXPECT_THAT(security->Call(&Issuers::UpdateIssuer, update),
              FailsWith(Reason::kInvalidField, "issuer_uri"));
}

TEST_F(RpcTest, AStoreThatComesBackIsReachedByTheRetry) {
  auto hr = MustConnect("hr/hook");
  app_.fake_store.FailWith(
      Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable, "disk"));
  v1::CreateOwnerRequest create;
  create.set_owner_id("zoe");
  EXPECT_THAT(hr->Call(&Owners::CreateOwner, create),
              FailsWith(Reason::kStoreUnavailable));
  EXPECT_EQ(slept_, absl::Milliseconds(600));  // 200 and 400 between three
  app_.fake_store.FailWith(absl::OkStatus());
  EXPECT_OK(hr->Call(&Owners::CreateOwner, create));
}

TEST(StatusConvertTest, DefectsAreHiddenAndNumbered) {
  const grpc::Status status = ToGrpc(Internal("secret detail"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(),
              testing::Not(testing::HasSubstr("secret")));
  EXPECT_THAT(status.error_message(), testing::HasSubstr("incident"));
}

TEST(StatusConvertTest, DetailsUseTheNamesOfGoogleRpc) {
  const grpc::Status status = ToGrpc(FieldError("policy.x", "is bad"));
  v1::ErrorStatus wire;
  ASSERT_TRUE(wire.ParseFromString(status.error_details()));
  ASSERT_EQ(wire.details_size(), 2);
  EXPECT_EQ(wire.details(0).type_url(),
            "type.googleapis.com/google.rpc.ErrorInfo");
  EXPECT_EQ(wire.details(1).type_url(),
            "type.googleapis.com/google.rpc.BadRequest");
}

TEST_F(RpcTest, APageOfEventsEndsAtAMebibyte) {
  ASSERT_OK(app_.store.Mutate([](app::Transaction& txn) {
    for (int64_t i = 1001; i <= 1007; ++i) {
      domain::AuditEvent event;
      event.sequence = i;
      event.time = TestStart();
      event.detail = std::string(300 << 10, 'x');
      RETURN_IF_ERROR(txn.AppendEvent(event));
    }
    return absl::OkStatus();
  }));
  auto client = MustConnect("auditor/ann");
  v1::ListEventsRequest request;
  request.set_after_sequence(1000);
  std::vector<int> pages;
  do {
    ASSERT_OK_AND_ASSIGN(
        const v1::ListEventsResponse page,
        client->Call(&v1::AuditService::Stub::ListEvents, request, true));
    pages.push_back(page.events_size());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(pages, testing::ElementsAre(4, 3));
}

}  // namespace warder::rpc
