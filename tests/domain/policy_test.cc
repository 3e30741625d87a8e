#include "server/domain/policy.h"

#include "tests/support/status_matchers.h"

namespace warder::domain {

TEST(PolicyTest, DefaultsHold) { EXPECT_OK(ValidatePolicy(Policy())); }

TEST(PolicyTest, EachInequalityIsHeldAtItsBoundary) {
  struct Case {
    const char* name;
    std::function<void(Policy&, absl::Duration)> set;
    absl::Duration least;
  };
  const Policy d;
  const Case cases[] = {
      {"publish_ahead",
       [](Policy& p, absl::Duration v) { p.publish_ahead = v; },
       d.verifier_cache + d.cache_max_age},
      {"verify_grace", [](Policy& p, absl::Duration v) { p.verify_grace = v; },
       d.max_token_lifetime + d.clock_skew},
      {"max_revocation_exposure",
       [](Policy& p, absl::Duration v) { p.max_revocation_exposure = v; },
       d.verifier_cache + d.cache_max_age},
      {"rotation_period",
       [](Policy& p, absl::Duration v) { p.rotation_period = v; },
       d.publish_ahead + d.verify_grace},
      {"max_key_age", [](Policy& p, absl::Duration v) { p.max_key_age = v; },
       d.rotation_period}};
  for (const Case& c : cases) {
    Policy policy;
    c.set(policy, c.least);
    EXPECT_OK(ValidatePolicy(policy)) << c.name;
    c.set(policy, c.least - absl::Nanoseconds(1));
    EXPECT_THAT(ValidatePolicy(policy),
                FailsWith(Reason::kPolicyBreaksTiming, c.name));
  }
}

TEST(PolicyTest, OneOrTwoDifferentAlgorithms) {
  Policy policy;
  policy.algorithms = {};
  EXPECT_THAT(ValidatePolicy(policy), FailsWith(Reason::kInvalidField));
  policy.algorithms = {Algorithm::kEs256, Algorithm::kEs256};
  EXPECT_THAT(ValidatePolicy(policy), FailsWith(Reason::kInvalidField));
  policy.algorithms = {Algorithm::kEs256, Algorithm::kRs256};
  EXPECT_OK(ValidatePolicy(policy));
  policy.algorithms.push_back(Algorithm::kEdDsa);
  EXPECT_THAT(ValidatePolicy(policy), FailsWith(Reason::kInvalidField));
}

TEST(PolicyTest, GrantsNameTheirBadField) {
  Grant grant;
  grant.signer = "checkout";
  grant.audiences = {"api"};
  EXPECT_THAT(ValidateGrants({grant}, Policy()),
              FailsWith(Reason::kInvalidField, "grants[0].max_lifetime"));
  std::vector<Grant> grants = {grant};
  SetDefaultLifetimes(grants, Policy());
  EXPECT_EQ(grants[0].max_lifetime, absl::Minutes(15));
  grants = {grant};
  Policy brief;
  brief.max_token_lifetime = absl::Minutes(5);
  SetDefaultLifetimes(grants, brief);
  EXPECT_EQ(grants[0].max_lifetime, absl::Minutes(5));
  EXPECT_OK(ValidateGrants(grants, brief));
  grant.max_lifetime = Policy().max_token_lifetime;
  EXPECT_OK(ValidateGrants({grant}, Policy()));
  Grant bad = grant;
  bad.max_lifetime = absl::Hours(2);
  EXPECT_THAT(ValidateGrants({grant, bad}, Policy()),
              FailsWith(Reason::kInvalidField, "grants[1].max_lifetime"));
  bad = grant;
  for (const char* type : {"jwk-set+jwt", "JWK-Set+JWT", "secevent+jwt",
                           "application/jwk-set+jwt"}) {
    bad.token_types = {type};
    EXPECT_THAT(ValidateGrants({bad}, Policy()),
                FailsWith(Reason::kInvalidField, "reserved"));
  }
  bad.token_types = {"*"};
  EXPECT_THAT(ValidateGrants({bad}, Policy()),
              FailsWith(Reason::kInvalidField, "name the types"));
  bad = grant;
  bad.audiences.clear();
  EXPECT_THAT(ValidateGrants({bad}, Policy()),
              FailsWith(Reason::kInvalidField, "audiences"));
}

TEST(PatternTest, StarStandsForAnyRun) {
  EXPECT_TRUE(MatchesPattern("*", ""));
  EXPECT_TRUE(MatchesPattern("user:*", "user:7"));
  EXPECT_FALSE(MatchesPattern("user:*", "admin:7"));
  EXPECT_TRUE(MatchesPattern("a*b*c", "a-xx-b-c"));
  EXPECT_FALSE(MatchesPattern("a*b*c", "a-xx-c"));
  EXPECT_FALSE(MatchesPattern("", "x"));
  // Linear where naive backtracking is not.
  EXPECT_FALSE(
      MatchesPattern(std::string(200, '*') + "b", std::string(20000, 'a')));
}

}  // namespace warder::domain
