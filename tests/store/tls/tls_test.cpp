#include "tests/store/directory/support.hpp"
#include "tests/store/tls/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>

// Goal: what crosses the network to Redis is read by nobody else and comes from nobody else, and
// all that holds of a plain connection holds of this one.

namespace crossclear::store::test {
namespace {

using ::testing::HasSubstr;

RedisOptions options_of(std::vector<Endpoint> endpoints) {
    return RedisOptions{.cluster = cluster,
                        .partition_count = 8,
                        .endpoints = std::move(endpoints),
                        .open_timeout = base::seconds(5)};
}

// Why nothing is opened there. What is not refused at once would be waited for.
StoreError refusal_of(const Endpoint& endpoint) {
    RedisOptions options = options_of({endpoint});
    options.open_timeout = base::milliseconds(1);
    options.connect_timeout = base::seconds(2);
    const auto opened = open_redis_journal(options);
    if (opened) ADD_FAILURE() << "the journal was opened";
    return opened ? StoreError{} : opened.error();
}

TEST(Tls, CarriesAppendsAndReads) {
    TlsRedis redis;
    for (const char* host : {"127.0.0.1", "localhost"}) {
        const auto journal = open_or_fail(options_of({redis.endpoint(host)}));
        ASSERT_NE(journal, nullptr);
        redis.command({"FLUSHALL"});
    }
    const auto journal = open_or_fail(options_of({redis.endpoint()}));
    prepare(*journal, fence(1));
    const Append first = batch(fence(1), Head{}, "a");
    EXPECT_FALSE(std::get<Appended>(append(*journal, first)).was_duplicate);
    EXPECT_TRUE(std::get<Appended>(append(*journal, first)).was_duplicate);
    append_all(*journal, fence(1), first.record.head, {"b", "c"});
    EXPECT_EQ(payloads_of(*journal), (std::vector<std::string>{"a", "b", "c"}));
}

TEST(Tls, IsWhatEndpointsSaySo) {
    const auto endpoint = parse_endpoint("rediss://db.example:6380");
    ASSERT_TRUE(endpoint.has_value());
    EXPECT_EQ(endpoint->host, "db.example");
    EXPECT_TRUE(endpoint->tls.has_value());
    EXPECT_EQ(to_string(*endpoint), "rediss://db.example:6380");
    EXPECT_EQ(to_string(*parse_endpoint("rediss://[::1]:1")), "rediss://[::1]:1");
    EXPECT_FALSE(parse_endpoint("redis://db.example:1")->tls.has_value());
    EXPECT_EQ(parse_endpoint("rediss://host").error().fault, StoreFault::endpoint_malformed);
}

TEST(Tls, KeepsWhatIsWrittenFromTheWire) {
    TlsRedis redis;
    const TlsRedis plain = TlsRedis::plain();
    const std::string secret = "a payload that nobody else may read";
    for (const bool is_tls : {true, false}) {
        Wiretap wire(is_tls ? redis.port() : plain.port());
        Endpoint endpoint = redis.endpoint();
        endpoint.port = wire.port();
        if (!is_tls) endpoint.tls.reset();
        const auto journal = open_or_fail(options_of({endpoint}));
        prepare(*journal, fence(1));
        append_all(*journal, fence(1), Head{}, {secret});
        EXPECT_EQ(wire.has_heard(secret), !is_tls) << "the control is the plain one";
    }
}

TEST(Tls, CarriesUsersAndPasswords) {
    TlsRedis redis;
    redis.command({"ACL", "SETUSER", "writer", "on", ">word", "~*", "+@all"});
    redis.command({"ACL", "SETUSER", "default", "resetpass", ">other"});
    Endpoint endpoint = redis.endpoint();
    EXPECT_EQ(refusal_of(endpoint).fault, StoreFault::not_authorised);
    endpoint.username = "writer";
    endpoint.password = "word";
    EXPECT_NE(open_or_fail(options_of({endpoint})), nullptr);
}

TEST(Tls, CarriesTheDirectoryAndTheWatch) {
    TlsRedis redis;
    std::atomic<bool> is_seen{};
    RedisOptions options = options_of({redis.endpoint()});
    options.listener.examined = [&](const RedisVitals& vitals) {
        is_seen = vitals.is_connected && vitals.endpoint.starts_with("rediss://127.0.0.1:");
    };
    const auto journal = open_or_fail(options);
    EXPECT_TRUE(eventually([&] { return is_seen.load(); }));
    const auto directory = open_directory_or_fail(options);
    const BeatOutcome outcome = beat(*directory, node("a"), {1});
    EXPECT_TRUE(std::holds_alternative<View>(outcome)) << explain(outcome);
}

TEST(Tls, AMajorityOfThreeGoesOnWithoutOne) {
    TlsRedis a;
    TlsRedis b;
    TlsRedis c;
    const auto journal = open_or_fail(options_of({a.endpoint(), b.endpoint(), c.endpoint()}));
    prepare(*journal, fence(1));
    const Head last = append_all(*journal, fence(1), Head{}, {"a"});
    c.kill();
    append_all(*journal, fence(1), last, {"b"});
    EXPECT_EQ(payloads_of(*journal), (std::vector<std::string>{"a", "b"}));
}

TEST(Tls, EachCertificateThatIsWrongIsRefusedByItsFault) {
    TlsRedis redis;
    Endpoint stranger = redis.endpoint();
    stranger.tls->authority = pem("stranger.pem");
    const StoreError untrusted = refusal_of(stranger);
    EXPECT_EQ(untrusted.fault, StoreFault::tls_certificate_untrusted);
    EXPECT_THAT(to_string(untrusted), HasSubstr("stranger.pem vouches for"));
    EXPECT_THAT(to_string(untrusted), HasSubstr("signed by CN=ca"));

    Endpoint other_name = redis.endpoint();
    other_name.tls->server_name = "redis.example";
    const StoreError wrong = refusal_of(other_name);
    EXPECT_EQ(wrong.fault, StoreFault::tls_wrong_name);
    EXPECT_THAT(to_string(wrong), HasSubstr("expected a certificate for redis.example"));
    EXPECT_THAT(to_string(wrong), HasSubstr("one for DNS:localhost, IP Address:127.0.0.1"));

    const StoreError expired = refusal_of(TlsRedis("expired").endpoint());
    EXPECT_EQ(expired.fault, StoreFault::tls_certificate_expired);
    EXPECT_THAT(to_string(expired), HasSubstr("certificate has expired"));

    TlsRedis elsewhere("elsewhere");
    EXPECT_EQ(refusal_of(elsewhere.endpoint()).fault, StoreFault::tls_wrong_name);
    EXPECT_EQ(refusal_of(elsewhere.endpoint("localhost")).fault, StoreFault::tls_wrong_name)
        << "the subject's CN is localhost, and does not count";
    Endpoint named = elsewhere.endpoint();
    named.tls->server_name = "elsewhere.example";
    EXPECT_NE(open_or_fail(options_of({named})), nullptr);
}

TEST(Tls, AServerThatWantsOurCertificateIsGivenIt) {
    for (const char* protocols : {"TLSv1.2", "TLSv1.3"}) {
        TlsRedis redis("server", {"--tls-auth-clients", "yes", "--tls-protocols", protocols});
        EXPECT_NE(open_or_fail(options_of({redis.endpoint_as("client")})), nullptr) << protocols;
        for (const Endpoint& endpoint : {redis.endpoint(), redis.endpoint_as("intruder")}) {
            const StoreError refused = refusal_of(endpoint);
            EXPECT_EQ(refused.fault, StoreFault::tls_client_refused) << to_string(refused);
            EXPECT_THAT(to_string(refused), HasSubstr("Set tls.certificate and tls.key"));
        }
    }
}

TEST(Tls, FilesThatCannotBeUsedAreNamed) {
    TlsRedis redis;
    Endpoint endpoint = redis.endpoint();
    endpoint.tls->authority = "/nonexistent/ca.pem";
    const StoreError missing = refusal_of(endpoint);
    EXPECT_EQ(missing.fault, StoreFault::tls_files_unusable);
    EXPECT_THAT(to_string(missing), HasSubstr("/nonexistent/ca.pem: No such file or directory"));
    EXPECT_THAT(to_string(missing), HasSubstr("Correct tls.authority"));

    endpoint = redis.endpoint();
    endpoint.tls->authority = pem("ca.key");
    EXPECT_THAT(to_string(refusal_of(endpoint)), HasSubstr("no certificate in it"));
    endpoint = redis.endpoint_as("client");
    endpoint.tls->key = pem("server.key");
    EXPECT_THAT(to_string(refusal_of(endpoint)), HasSubstr("one of another certificate"));
    endpoint.tls->key = pem("client.pem");
    EXPECT_THAT(to_string(refusal_of(endpoint)), HasSubstr("Correct tls.key"));
    endpoint.tls->certificate = pem("client.key");
    EXPECT_THAT(to_string(refusal_of(endpoint)), HasSubstr("Correct tls.certificate"));
}

TEST(Tls, AServerWithoutItAndAClientWithoutItAreToldApart) {
    const TlsRedis plain = TlsRedis::plain();
    const StoreError without = refusal_of(plain.endpoint());
    EXPECT_EQ(without.fault, StoreFault::tls_not_spoken) << to_string(without);
    EXPECT_THAT(to_string(without), HasSubstr("an answer without it: +PONG"));

    for (const char* asks : {"no", "yes"}) {
        TlsRedis redis("server", {"--tls-auth-clients", asks});
        Endpoint endpoint = redis.endpoint();
        endpoint.tls.reset();
        EXPECT_EQ(refusal_of(endpoint).fault, StoreFault::tls_demanded);
    }
}

TEST(Tls, OldVersionsAreRefused) {
    TlsRedis redis("server", {"--tls-protocols", "TLSv1.1", "--tls-ciphers", "ALL:@SECLEVEL=0"});
    const StoreError refused = refusal_of(redis.endpoint());
    EXPECT_EQ(refused.fault, StoreFault::tls_failed) << to_string(refused);
    EXPECT_THAT(to_string(refused), HasSubstr("Allow TLS 1.2 or 1.3"));
}

// Goal: nobody waits without an end for one who takes the connection and says nothing.
TEST(Tls, ASilentServerIsUnreachableInTime) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(::bind(listener, raw, size), 0);
    ASSERT_EQ(::listen(listener, 8), 0);
    ASSERT_EQ(::getsockname(listener, raw, &size), 0);
    Endpoint endpoint{.host = "127.0.0.1",
                      .port = ntohs(address.sin_port),
                      .tls = EndpointTls{.authority = pem("ca.pem")}};
    const auto greeted = Connection::open(endpoint, base::milliseconds(50));
    ASSERT_FALSE(greeted.has_value());
    EXPECT_EQ(greeted.error().fault, StoreFault::unreachable);
    EXPECT_THAT(greeted.error().found, HasSubstr("no answer to a TLS greeting in time"));
    endpoint.tls.reset();
    const auto asked = Connection::open(endpoint, base::milliseconds(50));
    ASSERT_FALSE(asked.has_value());
    EXPECT_EQ(asked.error().fault, StoreFault::unreachable);
    EXPECT_EQ(asked.error().found, "no answer in time");
    ::close(listener);
}

// Goal: whatever is left in the session when the socket falls silent is not waited for.
TEST(Tls, CarriesBigAnswersAndManyQuestionsAtOnce) {
    TlsRedis redis;
    const auto journal = open_or_fail(options_of({redis.endpoint()}));
    prepare(*journal, fence(1));
    std::vector<std::string> payloads;
    for (char c = 'a'; c < 'a' + 24; ++c) payloads.emplace_back(250'000, c);

    // All at once: more than sockets hold, so that writes stop in the middle of a record.
    std::vector<std::future<AppendOutcome>> outcomes;
    Head last;
    for (const std::string& payload : payloads) {
        Append next = batch(fence(1), last, payload);
        last = next.record.head;
        auto promise = std::make_shared<std::promise<AppendOutcome>>();
        outcomes.push_back(promise->get_future());
        journal->append(std::move(next), [promise](AppendOutcome it) { promise->set_value(it); });
    }
    for (auto& outcome : outcomes) {
        ASSERT_EQ(outcome.wait_for(patience), std::future_status::ready);
        EXPECT_TRUE(std::holds_alternative<Appended>(outcome.get()));
    }
    EXPECT_EQ(payloads_of(*journal, 1'000), payloads) << "a page is 8 MB";

    std::atomic<int> confirmed{};
    for (int i = 0; i < 3'000; ++i) {
        journal->confirm(partition, fence(1), [&](const ConfirmOutcome& outcome) {
            if (std::holds_alternative<Confirmed>(outcome)) ++confirmed;
        });
    }
    EXPECT_TRUE(eventually([&] { return confirmed == 3'000; })) << confirmed;
}

class TlsCut : public ::testing::Test {
protected:
    TlsCut() {
        Endpoint endpoint = redis_.endpoint();
        endpoint.port = wire_.port();
        RedisOptions options = options_of({endpoint});
        options.call_timeout = base::seconds(5);
        journal_ = open_or_fail(options);
        prepare(*journal_, fence(1));
    }
    ~TlsCut() override { journal_.reset(); }

    // Appends a payload over a connection that was told to break, and sends it again as a host
    // does: the same bytes, until they are durable. Returns whether they were there already, or
    // nothing if the cut met another question and the append went through.
    std::optional<bool> append_through_the_cut() {
        const int cuts = wire_.cuts();
        payloads_.emplace_back(100'000, static_cast<char>('a' + payloads_.size()));
        const Append next = batch(fence(1), last_, payloads_.back());
        const AppendOutcome first = append(*journal_, next);
        const bool is_met =
            std::holds_alternative<Unknown>(first) || std::holds_alternative<Declined>(first);
        EXPECT_TRUE(is_met || std::holds_alternative<Appended>(first))
            << "outcome " << first.index();
        EXPECT_TRUE(!is_met || wire_.cuts() > cuts);
        bool was_there = false;
        EXPECT_TRUE(eventually([&] {
            const AppendOutcome outcome = append(*journal_, next);
            const auto* done = std::get_if<Appended>(&outcome);
            if (done != nullptr) was_there = done->was_duplicate;
            return done != nullptr;
        }));
        last_ = next.record.head;
        return is_met ? std::optional{was_there} : std::nullopt;
    }

    TlsRedis redis_;
    Wiretap wire_{redis_.port()};
    std::unique_ptr<Journal> journal_;
    Head last_;
    std::vector<std::string> payloads_;
};

TEST_F(TlsCut, InTheMiddleOfAnAppendIsMendedByTheSameBytes) {
    for (const std::int64_t bytes : {1, 100, 5'000, 50'000, 99'000}) {
        std::optional<bool> was_there;
        for (int attempt = 0; attempt < 5 && !was_there; ++attempt) {
            wire_.cut_questions_after(bytes);
            was_there = append_through_the_cut();
        }
        EXPECT_EQ(was_there, std::optional{false}) << "after " << bytes << " bytes";
    }
    EXPECT_EQ(payloads_of(*journal_), payloads_);
}

TEST_F(TlsCut, BeforeItsAnswerFindsTheRecordThere) {
    bool was_there = false;
    // The answer that is kept may once be another one's.
    for (int attempt = 0; attempt < 5 && !was_there; ++attempt) {
        wire_.cut_answer_after(90'000);
        was_there = append_through_the_cut().value_or(false);
    }
    EXPECT_TRUE(was_there);
    EXPECT_EQ(payloads_of(*journal_), payloads_);
}

// Goal: a certificate that goes bad under a running service is told by name, and a good one ends
// the trouble without a restart.
TEST(Tls, ACertificateThatGoesBadIsToldUntilItIsRenewed) {
    TlsRedis redis;
    std::atomic<bool> is_connected{};
    RedisOptions options = options_of({redis.endpoint()});
    options.listener.examined = [&](const RedisVitals& it) { is_connected = it.is_connected; };
    const auto journal = open_or_fail(options);
    EXPECT_TRUE(eventually([&] { return is_connected.load(); }));
    const auto show = [&](const std::string& name) {
        redis.command({"CONFIG", "SET", "tls-cert-file", pem(name + ".pem"), "tls-key-file",
                       pem(name + ".key")});
        redis.command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
    };
    show("expired");
    EXPECT_TRUE(eventually([&] {
        return journal->trouble().find("certificate has expired") != std::string::npos;
    })) << journal->trouble();
    EXPECT_TRUE(eventually([&] { return !is_connected.load(); }));
    show("server");
    EXPECT_TRUE(eventually([&] { return journal->trouble().empty() && is_connected.load(); }));
}

}  // namespace
}  // namespace crossclear::store::test
