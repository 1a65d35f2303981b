#include "shards/evm/rpc_client.hpp"

#include "base/check.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

namespace crossclear::shards::evm {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

base::Duration since(Clock::time_point begun) {
    return {std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun).count()};
}

// Whether the endpoint has answered: a refusal is an answer.
bool is_answer(const RpcResult& result) {
    return result.has_value() || result.error().fault == RpcFault::refused;
}

RpcError as_unknown(RpcError error) {
    error.may_have_happened = true;
    return error;
}

// Of several, the first that was not answered.
const RpcError* unanswered(const std::vector<RpcResult>& results) {
    for (const auto& result : results) {
        if (!is_answer(result)) return &result.error();
    }
    return nullptr;
}

}  // namespace

struct RpcClient::State : std::enable_shared_from_this<State> {
    struct Place {
        std::shared_ptr<Wire> wire;
        Clock::time_point aside_since{};
        Clock::time_point aside_until{};
        base::Duration aside_for{};
    };
    // Calls on their way from endpoint to endpoint, as long as they were not answered.
    struct Errand {
        std::vector<RpcCall> calls;
        std::vector<RpcResult> results;
        BatchDone done;
        Clock::time_point begun{Clock::now()};
        std::vector<bool> was_tried;
        std::vector<bool> may_have_happened;
    };

    State(boost::asio::io_context& io, RpcOptions given) : options(std::move(given)), again(io) {
        CHECK(!options.endpoints.empty(), "a chain has an endpoint");
        for (const auto& endpoint : options.endpoints) {
            places.push_back({.wire = make_wire(io, endpoint, options.wire)});
        }
    }

    // Those that are not set aside in their order; if all are, the one whose time ends first.
    [[nodiscard]] std::optional<std::size_t> next_for(const std::vector<bool>& was_tried) const {
        const auto now = Clock::now();
        std::optional<std::size_t> soonest;
        for (std::size_t i = 0; i < places.size(); ++i) {
            if (was_tried[i]) continue;
            if (places[i].aside_until <= now) return i;
            if (!soonest || places[i].aside_until < places[*soonest].aside_until) soonest = i;
        }
        return soonest;
    }

    // One outage is one, however many questions were on their way.
    void note(std::size_t endpoint, std::string_view method, Clock::time_point begun,
              const RpcError* error) {
        auto& place = places[endpoint];
        if (error == nullptr) {
            place.aside_for = {};
            place.aside_until = {};
        } else if (begun >= place.aside_since) {
            const auto doubled = base::Duration{place.aside_for.us * 2};
            place.aside_for = std::clamp(doubled, options.aside_min, options.aside_max);
            place.aside_since = Clock::now();
            place.aside_until = place.aside_since + std::chrono::microseconds(place.aside_for.us);
        }
        if (!options.on_try) return;
        options.on_try(
            {.endpoint = endpoint, .method = method, .took = since(begun), .error = error});
    }

    // Asks one endpoint, and notes how it went.
    void ask(std::size_t endpoint, const std::vector<RpcCall>& calls, base::Duration patience,
             BatchDone done) {
        const auto first_id = next_id;
        next_id += calls.size();
        const auto begun = Clock::now();
        places[endpoint].wire->exchange(
            {.text = text_of(calls, first_id), .first_id = first_id, .count = calls.size()},
            patience,
            [weak = weak_from_this(), endpoint, first_id, calls, begun,
             done = std::move(done)](const Carried& carried) {
                auto results = carried.said ? results_of(*carried.said, first_id, calls.size())
                                            : all_failed(carried.said.error(), calls.size());
                for (std::size_t i = 0; i < calls.size(); ++i) {
                    auto& result = results[i];
                    result = canonical(calls[i], std::move(result));
                    if (!carried.was_sent_twice || result.has_value()) continue;
                    result = base::Failure{as_unknown(result.error())};
                }
                const auto self = weak.lock();
                if (self && carried.was_sent) {
                    self->note(endpoint, calls.front().method, begun, unanswered(results));
                }
                done(std::move(results));
            });
    }

    // Those that were not answered go on to the next endpoint; an answer stays one.
    void go_on(const std::shared_ptr<Errand>& errand) {
        std::vector<std::size_t> open;
        std::vector<RpcCall> calls;
        for (std::size_t i = 0; i < errand->calls.size(); ++i) {
            if (is_answer(errand->results[i])) continue;
            open.push_back(i);
            calls.push_back(errand->calls[i]);
        }
        const base::Duration left{options.patience.us - since(errand->begun).us};
        const bool is_to_ask = !open.empty() && left.us > 0 && !is_over;
        const auto endpoint = is_to_ask ? next_for(errand->was_tried) : std::nullopt;
        if (!endpoint) return errand->done(std::move(errand->results));
        errand->was_tried[*endpoint] = true;
        ask(*endpoint, calls, std::min(left, options.try_patience),
            [self = shared_from_this(), errand, open = std::move(open)](
                std::vector<RpcResult> results) { self->hear(errand, open, std::move(results)); });
    }

    // What one endpoint said to those of the calls that were open.
    void hear(const std::shared_ptr<Errand>& errand, const std::vector<std::size_t>& open,
              std::vector<RpcResult> results) {
        for (std::size_t i = 0; i < open.size(); ++i) {
            auto& result = results[i];
            if (!result.has_value()) {
                auto may_have = errand->may_have_happened[open[i]];
                const auto error = result.error();
                if (may_have) result = base::Failure{as_unknown(error)};
                errand->may_have_happened[open[i]] = may_have || is_effect_unknown(error);
            }
            errand->results[open[i]] = std::move(result);
        }
        go_on(errand);
    }

    std::shared_ptr<Errand> make_errand(std::vector<RpcCall> calls, BatchDone done) const {
        auto errand = std::make_shared<Errand>();
        const auto count = calls.size();
        errand->calls = std::move(calls);
        errand->done = std::move(done);
        errand->results = all_failed({}, count);
        errand->was_tried.resize(places.size());
        errand->may_have_happened.resize(count);
        return errand;
    }

    // Until it is, or the node does not know it.
    void subscribe(std::size_t endpoint) {
        ask(endpoint, {{.method = "eth_subscribe", .params = {"newHeads"}}}, options.try_patience,
            [weak = weak_from_this(), endpoint](const std::vector<RpcResult>& results) {
                const auto self = weak.lock();
                if (!self || self->is_over || is_answer(results.front())) return;
                self->again.expires_after(std::chrono::microseconds(self->options.aside_min.us));
                self->again.async_wait([weak, endpoint](boost::system::error_code error) {
                    const auto still = weak.lock();
                    if (!error && still && !still->is_over) still->subscribe(endpoint);
                });
            });
    }

    RpcOptions options;
    std::vector<Place> places;
    std::uint64_t next_id{1};
    boost::asio::steady_timer again;
    bool is_over{};
};

RpcClient::RpcClient(boost::asio::io_context& io, RpcOptions options)
    : state_(std::make_shared<State>(io, std::move(options))) {}

RpcClient::~RpcClient() {
    state_->is_over = true;
    state_->again.cancel();
    for (const auto& place : state_->places) {
        place.wire->on_notification = nullptr;
        place.wire->on_open = nullptr;
        place.wire->close();
    }
}

void RpcClient::batch(std::vector<RpcCall> calls, BatchDone done) {
    CHECK(!calls.empty() && calls.size() <= rpc_batch_max, "a batch has a size");
    state_->go_on(state_->make_errand(std::move(calls), std::move(done)));
}

void RpcClient::call(RpcCall call, Done done) {
    batch({std::move(call)}, [done = std::move(done)](std::vector<RpcResult> results) {
        done(std::move(results.front()));
    });
}

namespace {

// Refusals are the same where their code and data are: nodes word them as they like.
bool is_same(const RpcResult& a, const RpcResult& b) {
    if (a.has_value() != b.has_value()) return false;
    if (a.has_value()) return *a == *b;
    return a.error().code == b.error().code && a.error().data == b.error().data;
}

// What each endpoint said to one question, as far as they have.
struct Poll {
    std::string method;
    std::vector<std::optional<RpcResult>> said;
    std::size_t missing{};
    RpcClient::Done done;  // Null once it is decided.
    std::function<void(std::size_t, std::string_view)> on_dissent;
    RpcResult decided{base::Failure{RpcError{}}};

    [[nodiscard]] bool has_answered(std::size_t endpoint) const {
        return said[endpoint] && is_answer(*said[endpoint]);
    }
    [[nodiscard]] bool have_most_said(const RpcResult& result) const {
        std::size_t alike = 0;
        for (std::size_t i = 0; i < said.size(); ++i) {
            if (has_answered(i) && is_same(*said[i], result)) ++alike;
        }
        return alike * 2 > said.size();
    }
    // Where there is no most.
    [[nodiscard]] RpcResult fault() const {
        const RpcResult* first = nullptr;
        const RpcResult* silent = nullptr;
        for (const auto& one : said) {
            if (!is_answer(*one)) {
                silent = &*one;
                continue;
            }
            if (first == nullptr) first = &*one;
            if (is_same(*first, *one)) continue;
            return base::Failure{RpcError{.fault = RpcFault::disagreeing,
                                          .code = 0,
                                          .message = "endpoints of one chain say different things",
                                          .data = {}}};
        }
        return *silent;  // Too few have answered.
    }
    void hear(std::size_t endpoint, RpcResult result) {
        const auto& here = said[endpoint].emplace(std::move(result));
        --missing;
        if (done == nullptr) return tell_dissent(endpoint);
        if (is_answer(here) && have_most_said(here)) {
            decided = here;
            for (std::size_t i = 0; i < said.size(); ++i) tell_dissent(i);
            std::exchange(done, nullptr)(decided);
        } else if (missing == 0) {
            std::exchange(done, nullptr)(fault());
        }
    }
    void tell_dissent(std::size_t endpoint) const {
        const bool is_one = has_answered(endpoint) && !is_same(*said[endpoint], decided);
        if (is_one && on_dissent) on_dissent(endpoint, method);
    }
};

}  // namespace

void RpcClient::agree(RpcCall call, Done done) {
    agree_on_each({std::move(call)}, [done = std::move(done)](std::vector<RpcResult> results) {
        done(std::move(results.front()));
    });
}

void RpcClient::agree_on_each(std::vector<RpcCall> calls, BatchDone done) {
    agree_and_batch(
        std::move(calls), {},
        [done = std::move(done)](std::vector<RpcResult> agreed, const std::vector<RpcResult>&) {
            done(std::move(agreed));
        });
}

void RpcClient::agree_and_batch(std::vector<RpcCall> agreed, std::vector<RpcCall> of_one,
                                BothDone done) {
    const auto count = agreed.size();
    CHECK(count + of_one.size() > 0 && count + of_one.size() <= rpc_batch_max,
          "a batch has a size");
    struct Said {
        std::vector<RpcResult> agreed;
        std::vector<RpcResult> of_one;
        std::size_t missing{};
        BothDone done;

        void take_one() {
            if (--missing == 0) std::exchange(done, nullptr)(std::move(agreed), std::move(of_one));
        }
    };
    const auto said = std::make_shared<Said>();
    said->agreed = all_failed({}, count);
    said->missing = count + (of_one.empty() ? 0 : 1);
    said->done = std::move(done);

    const auto polls = std::make_shared<std::vector<Poll>>();
    for (std::size_t k = 0; k < count; ++k) {
        auto& poll = polls->emplace_back();
        poll.method = agreed[k].method;
        poll.said.resize(state_->places.size());
        poll.missing = state_->places.size();
        poll.on_dissent = state_->options.on_dissent;
        poll.done = [said, k](RpcResult result) {
            said->agreed[k] = std::move(result);
            said->take_one();
        };
    }
    std::vector<std::size_t> all_of_one(of_one.size());
    std::iota(all_of_one.begin(), all_of_one.end(), std::size_t{0});
    const auto errand = state_->make_errand(of_one, [said](std::vector<RpcResult> results) {
        said->of_one = std::move(results);
        said->take_one();
    });
    const auto first = *state_->next_for(errand->was_tried);
    errand->was_tried[first] = true;
    for (std::size_t i = 0; i < state_->places.size(); ++i) {
        const bool is_first = i == first && !of_one.empty();
        if (count == 0 && !is_first) continue;
        auto calls = agreed;
        if (is_first) calls.insert(calls.end(), of_one.begin(), of_one.end());
        state_->ask(i, calls, state_->options.try_patience,
                    [state = state_, polls, errand, all_of_one, count, i,
                     is_first](std::vector<RpcResult> results) {
                        for (std::size_t k = 0; k < count; ++k) {
                            (*polls)[k].hear(i, std::move(results[k]));
                        }
                        if (!is_first) return;
                        const auto rest = results.begin() + static_cast<std::ptrdiff_t>(count);
                        state->hear(errand, all_of_one,
                                    {std::make_move_iterator(rest),
                                     std::make_move_iterator(results.end())});
                    });
    }
}

void RpcClient::each(std::vector<RpcCall> calls, EachDone done) {
    CHECK(!calls.empty() && calls.size() <= rpc_batch_max, "a batch has a size");
    std::vector<std::size_t> asked;
    const auto now = Clock::now();
    for (std::size_t i = 0; i < state_->places.size(); ++i) {
        if (state_->places[i].aside_until <= now) asked.push_back(i);
    }
    if (asked.size() * 2 <= state_->places.size()) {
        asked.clear();
        for (std::size_t i = 0; i < state_->places.size(); ++i) asked.push_back(i);
    }
    struct Said {
        std::vector<std::vector<RpcResult>> all;
        std::size_t missing{};
    };
    const auto said = std::make_shared<Said>();
    said->all.resize(asked.size());
    said->missing = asked.size();
    for (std::size_t i = 0; i < asked.size(); ++i) {
        state_->ask(asked[i], calls, state_->options.try_patience,
                    [said, i, done](std::vector<RpcResult> results) {
                        said->all[i] = std::move(results);
                        if (--said->missing == 0) done(std::move(said->all));
                    });
    }
}

std::size_t RpcClient::endpoints_count() const { return state_->places.size(); }

bool RpcClient::follow_heads(std::function<void(const json::object& head)> on_head) {
    for (std::size_t i = 0; i < state_->places.size(); ++i) {
        if (!state_->options.endpoints[i].is_websocket) continue;
        auto& wire = *state_->places[i].wire;
        wire.on_notification = [on_head = std::move(on_head)](const json::object& params) {
            const auto* head = params.if_contains("result");
            if (head != nullptr && head->is_object()) on_head(head->get_object());
        };
        wire.on_open = [weak = state_->weak_from_this(), i] {
            if (const auto self = weak.lock()) self->subscribe(i);
        };
        // Where it is not connected yet, the first question does that.
        if (wire.is_open()) {
            state_->subscribe(i);
        } else {
            state_->ask(i, {{.method = "eth_chainId", .params = {}}}, state_->options.try_patience,
                        [](const std::vector<RpcResult>&) {});
        }
        return true;
    }
    return false;
}

std::size_t RpcClient::endpoints_up() const {
    const auto now = Clock::now();
    return static_cast<std::size_t>(
        std::count_if(state_->places.begin(), state_->places.end(),
                      [&](const auto& place) { return place.aside_until <= now; }));
}

}  // namespace crossclear::shards::evm
