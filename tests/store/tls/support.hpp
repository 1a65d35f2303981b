#pragma once

#include "tests/store/support.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

/// What the tests of TLS to Redis share: certificates of their own, redis-servers that show them,
/// and a wire that can be listened to and cut.

namespace crossclear::store::test {

/// Authorities and certificates, made once with the openssl program.
class Certificates {
public:
    /// Those of this process.
    static const Certificates& ours() {
        static const Certificates made;
        return made;
    }

    [[nodiscard]] std::string path(const std::string& name) const {
        return directory_.path() + "/" + name;
    }

private:
    static constexpr const char* long_past = "20200201000000Z";
    static constexpr const char* far_off = "20990201000000Z";

    Certificates() {
        std::ofstream(path("index"));
        std::ofstream(path("ca.conf"))
            << "[ca]\ndefault_ca=this\n[this]\ndatabase=index\nunique_subject=no\n"
               "new_certs_dir=.\ndefault_md=sha256\nrand_serial=yes\npolicy=any\n"
               "[any]\ncommonName=supplied\n";
        authority("ca");
        authority("stranger");
        const std::string here = "DNS:localhost,IP:127.0.0.1,IP:::1";
        certificate("server", {.signer = "ca", .names = here, .ends = far_off});
        certificate("expired", {.signer = "ca", .names = here, .ends = long_past});
        certificate("elsewhere", {.signer = "ca", .names = "DNS:elsewhere.example"});
        certificate("client", {.signer = "ca", .names = "DNS:client"});
        certificate("intruder", {.signer = "stranger", .names = "DNS:client"});
    }

    struct Contents {
        std::string signer;
        std::string names;
        std::string ends{far_off};
    };

    void authority(const std::string& name) const {
        run("openssl req -x509 " + key_into(name) + " -days 2 -subj /CN=" + name + " -out " + name +
            ".pem");
    }
    void certificate(const std::string& name, const Contents& has) const {
        std::ofstream(path(name + ".ext")) << "subjectAltName=" << has.names << '\n';
        run("openssl req " + key_into(name) + " -subj /CN=localhost -out " + name + ".csr");
        run("openssl ca -batch -notext -config ca.conf -cert " + has.signer + ".pem -keyfile " +
            has.signer + ".key -startdate 20200101000000Z -enddate " + has.ends + " -extfile " +
            name + ".ext -in " + name + ".csr -out " + name + ".pem");
    }
    static std::string key_into(const std::string& name) {
        return "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout " + name + ".key";
    }
    void run(const std::string& command) const {
        const auto whole = "cd '" + directory_.path() + "' && " + command + " > log 2>&1";
        if (std::system(whole.c_str()) != 0) ADD_FAILURE() << "failed: " << whole;
    }

    TestDirectory directory_;
};

inline std::string pem(const std::string& name) { return Certificates::ours().path(name); }

/// A port that was free a moment ago.
inline std::uint16_t free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket, raw, size) != 0 || ::getsockname(socket, raw, &size) != 0) std::abort();
    ::close(socket);
    return ntohs(address.sin_port);
}

/// A real redis-server that speaks TLS on a port, and anything on a unix socket for meddling.
class TlsRedis {
public:
    using Words = std::vector<std::string>;

    /// `certificate` is the server's, by name; `more` goes to the command line and wins.
    explicit TlsRedis(const std::string& certificate = "server", const Words& more = {}) {
        Words words{"--tls-cert-file",    pem(certificate + ".pem"),
                    "--tls-key-file",     pem(certificate + ".key"),
                    "--tls-ca-cert-file", pem("ca.pem"),
                    "--tls-auth-clients", "no"};
        words.insert(words.end(), more.begin(), more.end());
        start("--tls-port", words);
    }
    /// One without TLS.
    static TlsRedis plain() { return TlsRedis(Plain{}); }
    ~TlsRedis() { end(); }
    TlsRedis(const TlsRedis&) = delete;
    TlsRedis& operator=(const TlsRedis&) = delete;

    void kill() { end(); }

    /// The endpoint with TLS, verified against the authority that signed the certificates.
    [[nodiscard]] Endpoint endpoint(const std::string& host = "127.0.0.1") const {
        return Endpoint{
            .host = host, .port = port_, .tls = EndpointTls{.authority = pem("ca.pem")}};
    }
    /// The same with a certificate of ours.
    [[nodiscard]] Endpoint endpoint_as(const std::string& client) const {
        Endpoint mine = endpoint();
        mine.tls->certificate = pem(client + ".pem");
        mine.tls->key = pem(client + ".key");
        return mine;
    }
    [[nodiscard]] std::uint16_t port() const { return port_; }

    /// A command of the test's own, beside TLS.
    std::string command(std::initializer_list<std::string_view> words) const {
        auto connection = Connection::open(Endpoint{.socket_path = socket()}, base::seconds(5));
        if (!connection) return to_string(connection.error());
        const auto reply = connection->command(words);
        if (!reply) return reply.error().found;
        return (*reply)->str == nullptr ? std::string{} : std::string((*reply)->str, (*reply)->len);
    }

private:
    struct Plain {};
    explicit TlsRedis(Plain) { start("--port", {}); }

    [[nodiscard]] std::string socket() const { return directory_.path() + "/redis.sock"; }

    // Another program may have taken the port meanwhile: then the next one.
    void start(const std::string& port_option, const Words& more) {
        for (int attempt = 0; attempt < 10; ++attempt) {
            port_ = free_port();
            Words words{"redis-server",
                        "--port",
                        "0",
                        "--bind",
                        "127.0.0.1",
                        "--unixsocket",
                        socket(),
                        "--dir",
                        directory_.path(),
                        "--logfile",
                        directory_.path() + "/log",
                        "--appendonly",
                        "yes",
                        "--appendfsync",
                        "always",
                        "--save",
                        "",
                        port_option,
                        std::to_string(port_)};
            words.insert(words.end(), more.begin(), more.end());
            std::vector<char*> arguments;
            for (std::string& word : words) arguments.push_back(word.data());
            arguments.push_back(nullptr);
            process_ = ::fork();
            if (process_ == 0) {
                ::execvp("redis-server", arguments.data());
                ::_exit(127);
            }
            bool has_ended = false;
            const bool is_up = eventually([&] {
                has_ended = ::waitpid(process_, nullptr, WNOHANG) == process_;
                return has_ended || command({"PING"}) == "PONG";
            });
            if (is_up && !has_ended) return;
            if (!has_ended) end();
        }
        ADD_FAILURE() << "redis-server did not start; see " << directory_.path();
    }
    void end() {
        if (process_ <= 0) return;
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
        process_ = 0;
    }

    TestDirectory directory_;
    pid_t process_{};
    std::uint16_t port_{};
};

/// Stands between a client and a server, hears every byte, and cuts all connections on demand.
class Wiretap {
public:
    explicit Wiretap(std::uint16_t server) : server_(server) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address = loopback(0);
        socklen_t size = sizeof address;
        auto* const raw = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_, raw, size) != 0 || ::listen(listener_, 16) != 0 ||
            ::getsockname(listener_, raw, &size) != 0) {
            std::abort();
        }
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { run(); });
    }
    ~Wiretap() {
        is_stopping_ = true;
        thread_.join();
        ::close(listener_);
    }
    Wiretap(const Wiretap&) = delete;
    Wiretap& operator=(const Wiretap&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    /// Cuts once so many more bytes have gone to the server.
    void cut_questions_after(std::int64_t bytes) { questions_left_ = bytes; }
    /// Cuts at the first answer after so many more bytes have gone to the server, and keeps it.
    void cut_answer_after(std::int64_t bytes) { mute_after_ = bytes; }
    [[nodiscard]] int cuts() const { return cuts_; }
    [[nodiscard]] bool has_heard(std::string_view part) {
        const std::lock_guard lock(mutex_);
        return heard_.find(part) != std::string::npos;
    }

private:
    static constexpr std::int64_t never = INT64_MAX;
    struct Pair {
        int client;
        int server;
    };

    static sockaddr_in loopback(std::uint16_t port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        return address;
    }

    void run() {
        while (!is_stopping_) {
            std::vector<pollfd> waited{{listener_, POLLIN, 0}};
            for (const Pair& pair : pairs_) {
                waited.push_back({pair.client, POLLIN, 0});
                waited.push_back({pair.server, POLLIN, 0});
            }
            ::poll(waited.data(), waited.size(), 20);
            bool is_whole = true;
            for (std::size_t i = 0; i < pairs_.size() && is_whole; ++i) {
                const Pair pair = pairs_[i];
                if (waited[1 + 2 * i].revents != 0) {
                    is_whole = carry(pair.client, pair.server, questions_left_);
                }
                if (is_whole && waited[2 + 2 * i].revents != 0) {
                    is_whole = carry(pair.server, pair.client, answers_left_);
                }
                // One that has ended by itself ends alone.
                if (!is_whole && !is_cut_) {
                    hang_up(pair);
                    pairs_.erase(pairs_.begin() + static_cast<std::ptrdiff_t>(i));
                }
            }
            if (is_cut_) cut();
            if (waited[0].revents != 0) accept();
        }
        cut();
    }

    void accept() {
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_in address = loopback(server_);
        const auto* raw = reinterpret_cast<const sockaddr*>(&address);
        if (::connect(server, raw, sizeof address) != 0) return hang_up({client, server});
        pairs_.push_back({client, server});
    }

    bool carry(int from, int to, std::atomic<std::int64_t>& left) {
        std::array<char, 4'096> bytes{};
        const ssize_t size = ::recv(from, bytes.data(), bytes.size(), 0);
        if (size <= 0) return false;
        {
            const std::lock_guard lock(mutex_);
            heard_.append(bytes.data(), static_cast<std::size_t>(size));
        }
        const auto allowed = std::min<std::int64_t>(size, left);
        for (std::int64_t sent = 0; sent < allowed;) {
            const auto taken = ::send(to, bytes.data() + sent,
                                      static_cast<std::size_t>(allowed - sent), MSG_NOSIGNAL);
            if (taken <= 0) return false;
            sent += taken;
        }
        if (left != never) left -= allowed;
        if (&left == &questions_left_ && mute_after_ != never) {
            mute_after_ = std::max<std::int64_t>(0, mute_after_ - allowed);
            if (mute_after_ == 0) answers_left_ = 0;
        }
        is_cut_ = allowed < size || left == 0;
        return !is_cut_;
    }

    void cut() {
        // Counted first: whoever hears of the cut finds it counted.
        if (std::exchange(is_cut_, false)) ++cuts_;
        questions_left_ = never;
        answers_left_ = never;
        mute_after_ = never;
        for (const Pair& pair : pairs_) hang_up(pair);
        pairs_.clear();
    }

    static void hang_up(Pair pair) {
        ::close(pair.client);
        ::close(pair.server);
    }

    const std::uint16_t server_;
    int listener_{-1};
    std::uint16_t port_{};
    std::atomic<bool> is_stopping_{};
    std::atomic<std::int64_t> questions_left_{never};
    std::atomic<std::int64_t> answers_left_{never};
    std::atomic<std::int64_t> mute_after_{never};
    std::atomic<int> cuts_{};
    std::mutex mutex_;
    std::string heard_;
    // The thread's own.
    bool is_cut_{};
    std::vector<Pair> pairs_;
    std::thread thread_;
};

}  // namespace crossclear::store::test
