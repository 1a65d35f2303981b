#include "store/redis/instance.hpp"

#include "base/check.hpp"
#include "base/thread_name.hpp"
#include "store/redis/limits.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

namespace crossclear::store {
namespace {

constexpr std::array<Script, script_count> all_scripts{
    Script::promised,      Script::prepare,  Script::append, Script::read,  Script::snapshot,
    Script::snapshot_read, Script::confirm,  Script::probe,  Script::admit, Script::directory,
    Script::snapshot_list, Script::begin_at, Script::trim};

std::chrono::microseconds span_of(base::Duration duration) {
    return std::chrono::microseconds(duration.us);
}

// What a client or an owner waits for; whatever else there is can be asked again later. A pile of
// snapshots that are read or written must never make an append be declined.
bool is_urgent(Script script) {
    switch (script) {
        case Script::promised:
        case Script::prepare:
        case Script::read:
        case Script::append:
        case Script::confirm:
        case Script::probe:
        case Script::begin_at:
            return true;
        case Script::snapshot:
        case Script::snapshot_read:
        case Script::admit:
        case Script::directory:
        case Script::snapshot_list:
        case Script::trim:
            return false;
    }
    return false;
}

std::size_t room_for(const Call& call) {
    const bool has_all = call.is_urgent || is_urgent(call.script);
    return has_all ? limits::calls_max : limits::calls_max - limits::calls_reserved;
}

// Signals belong to the program's own threads.
void block_signals() {
    sigset_t all;
    sigfillset(&all);
    CHECK(pthread_sigmask(SIG_BLOCK, &all, nullptr) == 0, "a thread may block signals");
}

}  // namespace

Instance::Instance(Options options)
    : options_(std::move(options)),
      wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      wanted_(options_.wanted),
      received_(limits::receive_bytes),
      backoff_(limits::backoff_min) {
    CHECK(wakeup_ >= 0, "the system has a file descriptor left");
    thread_ = std::thread([this] {
        base::name_this_thread("redis-client");
        run();
    });
}

Instance::~Instance() {
    stop();
    ::close(wakeup_);
}

void Instance::stop() {
    if (!thread_.joinable()) return;
    CHECK(std::this_thread::get_id() != thread_.get_id(), "a callback does not end its journal");
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    ::eventfd_write(wakeup_, 1);
    thread_.join();
    // What callbacks hold is let go now, while those they speak to may still be there.
    incoming_.clear();
    waiting_.clear();
    in_flight_.clear();
}

void Instance::submit(std::shared_ptr<const Call> call, Done done) {
    const auto deadline = Clock::now() + span_of(options_.call_timeout);
    bool is_first = false;
    {
        std::unique_lock lock(mutex_);
        if (is_stopping_ || outstanding_ >= room_for(*call)) {
            const bool is_full = !is_stopping_;
            lock.unlock();
            // Told on the caller's thread: the queue that leads to ours is full, or no more.
            return done(
                NotSent{is_full ? "too many calls wait for this Redis" : "the journal is closed"});
        }
        ++outstanding_;
        is_first = incoming_.empty();
        incoming_.push_back({std::move(call), std::move(done), deadline, false});
    }
    if (is_first) ::eventfd_write(wakeup_, 1);
}

void Instance::distrust() {
    {
        const std::lock_guard lock(mutex_);
        is_distrusted_ = true;
    }
    ::eventfd_write(wakeup_, 1);
}

bool Instance::was_distrusted() {
    const std::lock_guard lock(mutex_);
    return std::exchange(is_distrusted_, false);
}

Standing Instance::standing() const {
    const std::lock_guard lock(mutex_);
    return standing_;
}

StoreFault Instance::fault() const {
    const std::lock_guard lock(mutex_);
    return fault_;
}

void Instance::watch(std::function<void()> changed) {
    const std::lock_guard lock(mutex_);
    watcher_ = std::move(changed);
}

void Instance::count_as_voting() {
    is_joining_ = false;
    set_standing(Standing::Kind::voting, {});
}

bool Instance::wait_until_ready(base::Duration timeout) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, span_of(timeout), [this] { return standing_.why.empty(); });
}

void Instance::run() {
    block_signals();
    while (!is_stopping()) {
        if (connection_) {
            pump();
        } else if (Clock::now() >= next_attempt_) {
            try_to_connect();
        } else {
            wait_for_retry();
        }
    }
}

bool Instance::is_stopping() const {
    const std::lock_guard lock(mutex_);
    return is_stopping_;
}

void Instance::try_to_connect() {
    auto connection = connect();
    if (connection) {
        connection_.emplace(std::move(connection).value());
        reader_ = make_reader();
        backoff_ = limits::backoff_min;
        is_probing_ = false;
        if (is_joining_) {
            set_standing(Standing::Kind::joining,
                         connection_->name() + " was empty and is being brought up to date");
        } else {
            set_standing(Standing::Kind::voting, {});
        }
        if (options_.listener.connected) options_.listener.connected();
        return;
    }
    set_standing(Standing::Kind::away, to_string(connection.error()), connection.error().fault);
    next_attempt_ = Clock::now() + span_of(backoff_);
    backoff_ = std::min(backoff_ * 2, limits::backoff_max);
    take_incoming();
    expire_waiting();
}

// Everything is examined again each time: what answers now may be another Redis, or this one after
// somebody changed its settings or emptied it.
base::Result<Connection, StoreError> Instance::connect() {
    auto opened = Connection::open(options_.endpoint, options_.connect_timeout);
    if (!opened) return opened;
    Connection& connection = *opened;
    if (const auto settings = check_settings(connection); !settings) {
        return base::Failure{settings.error()};
    }
    const auto mark = examine_mark(connection);
    if (!mark) return base::Failure{mark.error()};
    if (const auto loaded = load_scripts(connection); !loaded) {
        return base::Failure{loaded.error()};
    }
    if (!options_.may_be_replaced) wanted_.instance = mark->instance;
    return opened;
}

// An empty instance of several is marked as joining; what it held, the others hold as well.
base::Result<Mark, StoreError> Instance::examine_mark(Connection& connection) {
    auto mark = read_mark(connection);
    if (!mark) return base::Failure{mark.error()};
    Mark joining = wanted_;
    joining.id = joining_id(wanted_.id);
    joining.instance.clear();
    if (!mark->has_value() && options_.may_join) {
        joining.instance = random_mark_id();
        if (const auto written = write_mark(connection, joining); !written) {
            return base::Failure{written.error()};
        }
        mark = read_mark(connection);
        if (!mark) return base::Failure{mark.error()};
        joining.instance.clear();
    }
    if (!mark->has_value()) return base::Failure{unmarked_error(connection.name())};
    is_joining_ = (*mark)->id == joining.id;
    const Mark& wanted = is_joining_ ? joining : wanted_;
    if (const auto match = match_mark(connection.name(), wanted, **mark); !match) {
        return base::Failure{match.error()};
    }
    return std::move(**mark);
}

base::Result<void, StoreError> Instance::load_scripts(Connection& connection) {
    digests_.clear();
    for (const Script script : all_scripts) {
        const auto answer = connection.command({"SCRIPT", "LOAD", text_of(script)});
        if (!answer) return base::Failure{answer.error()};
        digests_.emplace_back((*answer)->str, (*answer)->len);
    }
    return {};
}

void Instance::wait_for_retry() {
    Clock::time_point until = next_attempt_;
    if (!waiting_.empty()) until = std::min(until, waiting_.front().deadline);
    pollfd wakeup{.fd = wakeup_, .events = POLLIN, .revents = 0};
    ::poll(&wakeup, 1, poll_timeout_ms(until));
    drain_wakeup();
    take_incoming();
    expire_waiting();
}

void Instance::pump() {
    take_incoming();
    fill_pipeline();
    send_probe_when_due();
    if (const auto broken = flush()) return lose(broken->reason);

    Clock::time_point until = Clock::now() + std::chrono::hours(1);
    if (!in_flight_.empty()) until = in_flight_.front().deadline;
    if (is_probing_) until = std::min(until, std::max(next_probe_, Clock::now()));
    const Transport& transport = connection_->transport();
    if (transport.has_more()) until = Clock::now();
    const auto events = transport.events(sent_ < unsent_.size());
    std::array<pollfd, 2> ready{{{transport.descriptor(), events, 0}, {wakeup_, POLLIN, 0}}};
    ::poll(ready.data(), ready.size(), poll_timeout_ms(until));
    if (ready[1].revents != 0) drain_wakeup();
    if (was_distrusted()) return lose("it is examined again");
    // What has arrived counts before what is late: an answer in hand is never called unknown.
    if (transport.may_read(ready[0].revents)) receive();
    if (connection_ && !in_flight_.empty() && Clock::now() >= in_flight_.front().deadline) {
        lose(fmt::format("no answer within {} ms", options_.call_timeout.us / 1'000));
    }
    expire_waiting();
}

void Instance::fill_pipeline() {
    while (!waiting_.empty() && unsent_.size() - sent_ < limits::unsent_bytes_max) {
        write_request(waiting_.front());
        in_flight_.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
    }
}

void Instance::write_request(const Request& request) {
    const Call& call = *request.call;
    const std::string key_count = std::to_string(call.keys.size());
    std::vector<std::string_view> words;
    words.reserve(3 + call.keys.size() + call.arguments.size());
    words.push_back(request.is_eval ? "EVAL" : "EVALSHA");
    words.push_back(request.is_eval ? text_of(call.script)
                                    : digests_[static_cast<std::size_t>(call.script)]);
    words.push_back(key_count);
    words.insert(words.end(), call.keys.begin(), call.keys.end());
    words.insert(words.end(), call.arguments.begin(), call.arguments.end());
    write_command(unsent_, words);
}

std::optional<Broken> Instance::flush() {
    while (sent_ < unsent_.size()) {
        const auto taken = connection_->transport().write(std::string_view(unsent_).substr(sent_));
        if (!taken) return taken.error();
        if (*taken == 0) return std::nullopt;
        sent_ += *taken;
    }
    unsent_.clear();
    sent_ = 0;
    return std::nullopt;
}

void Instance::receive() {
    const auto size = connection_->transport().read(received_);
    if (!size) return lose(size.error().reason);
    redisReader* reader = reader_.get();
    redisReaderFeed(reader, received_.data(), *size);
    while (true) {
        void* raw = nullptr;
        if (redisReaderGetReply(reader, &raw) != REDIS_OK) {
            return lose(std::string("Redis sent what is no answer: ") + reader->errstr);
        }
        if (raw == nullptr) return;
        const Reply reply(static_cast<redisReply*>(raw));
        if (in_flight_.empty()) return lose("Redis answered a question nobody asked");
        complete(*reply);
    }
}

void Instance::complete(const redisReply& reply) {
    Request request = std::move(in_flight_.front());
    in_flight_.pop_front();
    const bool is_error = reply.type == REDIS_REPLY_ERROR;
    const std::string_view text = is_error ? std::string_view(reply.str, reply.len) : "";
    if (text.starts_with("NOSCRIPT") && !request.is_eval) {
        // The compare-and-set in each script makes it safe that later calls overtake this one.
        request.is_eval = true;
        write_request(request);
        in_flight_.push_back(std::move(request));
        return;
    }
    CallResult result = Answered{&reply};
    if (is_error) result = Refused{explain_refusal(text)};
    const bool is_unmarked = !is_error && says_unmarked(reply);
    if (is_unmarked) result = Refused{to_string(unmarked_error(connection_->name()))};
    if (options_.listener.answered) {
        const auto took = Clock::now() + span_of(options_.call_timeout) - request.deadline;
        options_.listener.answered(
            name_of(request.call->script),
            base::Duration{std::chrono::duration_cast<std::chrono::microseconds>(took).count()});
    }
    const auto* refused = std::get_if<Refused>(&result);
    if (is_write(request.call->script)) {
        // A write that was refused is followed by probes until one is not, so that the trouble ends
        // without anybody's help.
        if (refused != nullptr) next_probe_ = Clock::now() + span_of(limits::probe_interval);
        is_probing_ = refused != nullptr;
        set_refusal(refused != nullptr ? refused->reason : std::string{});
    }
    // Emptied, or made a voter by another node: a new connection examines which.
    if (is_unmarked && options_.may_join) distrust();
    {
        const std::lock_guard lock(mutex_);
        --outstanding_;
    }
    if (request.done) request.done(result);
}

void Instance::send_probe_when_due() {
    if (!is_probing_ || Clock::now() < next_probe_ || !in_flight_.empty()) return;
    {
        const std::lock_guard lock(mutex_);
        ++outstanding_;
    }
    next_probe_ = Clock::now() + span_of(limits::probe_interval);
    Request probe{
        std::make_shared<const Call>(probe_call(is_joining_ ? joining_id(wanted_.id) : wanted_.id)),
        Done{}, Clock::now() + span_of(options_.call_timeout), false};
    write_request(probe);
    in_flight_.push_back(std::move(probe));
}

void Instance::lose(const std::string& reason) {
    const std::string full = fmt::format("{}: {}", to_string(options_.endpoint), reason);
    set_standing(Standing::Kind::away, full);
    connection_.reset();
    reader_.reset();
    unsent_.clear();
    sent_ = 0;
    is_probing_ = false;
    next_attempt_ = Clock::now();
    std::deque<Request> lost;
    lost.swap(in_flight_);
    {
        const std::lock_guard lock(mutex_);
        outstanding_ -= lost.size();
    }
    for (Request& request : lost) {
        if (request.done) request.done(Lost{full});
    }
}

void Instance::take_incoming() {
    std::vector<Request> taken;
    {
        const std::lock_guard lock(mutex_);
        taken.swap(incoming_);
    }
    for (Request& request : taken) waiting_.push_back(std::move(request));
}

void Instance::expire_waiting() {
    const auto now = Clock::now();
    while (!waiting_.empty() && now >= waiting_.front().deadline) {
        Request late = std::move(waiting_.front());
        waiting_.pop_front();
        std::string reason;
        {
            const std::lock_guard lock(mutex_);
            --outstanding_;
            reason = standing_.why.empty() ? "the pipeline is full" : standing_.why;
        }
        if (late.done) late.done(NotSent{reason});
    }
}

int Instance::poll_timeout_ms(Clock::time_point until) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void Instance::drain_wakeup() const {
    eventfd_t count = 0;
    ::eventfd_read(wakeup_, &count);
}

void Instance::set_standing(Standing::Kind kind, std::string why, StoreFault fault) {
    std::function<void()> watcher;
    {
        const std::lock_guard lock(mutex_);
        fault_ = fault;
        Standing standing{kind, std::move(why)};
        if (standing_ == standing) return;
        standing_ = std::move(standing);
        watcher = watcher_;
    }
    changed_.notify_all();
    if (watcher) watcher();
}

// Answers, and takes no writes: it still votes on what it reads.
void Instance::set_refusal(std::string why) {
    const auto kind = standing().kind;
    if (kind == Standing::Kind::voting) set_standing(kind, std::move(why));
}

}  // namespace crossclear::store
