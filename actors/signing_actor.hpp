#pragma once

#include "actors/home_parts.hpp"
#include "actors/machine_host.hpp"
#include "actors/operators_waiting.hpp"
#include "ledger/signing/machine.hpp"
#include "shards/evm/desk.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace crossclear::actors {

/// Hosts one signing lane: one key of one broker on one chain. Stands between the lane, which wants
/// orders to happen, and the desk, which signs, sends and follows the chain; the machine decides.
///
/// The subtle thing is who remembers what. The machine knows what was signed for which order, and
/// how the latest of them ended; what a transaction did is in its block and is read there, also
/// again after a restart; what an order was is known to whoever wants it and brings it again.
class SigningHost : public SigningActor::base {
public:
    SigningHost(caf::actor_config& config, HomeParts parts, ledger::signing::State state,
                LaneActor lane, shards::evm::Desk* desk);

    SigningActor::behavior_type make_behavior() override;
    /// Tells operators who still wait that nobody here can say any more, and ends its figures.
    void on_exit() override;

private:
    using Found = shards::evm::Found;
    using NoAnswer = shards::NoAnswer;

    // What the desk says, back on this actor's thread.
    template <class Word, class Then>
    [[nodiscard]] std::function<void(Word)> hears(Then then);

    void on_tick();
    void open();
    void on_identity(const base::Result<shards::evm::ChainIdentity, NoAnswer>& found);
    void follow();

    void submit(const ledger::ShardOrder& order);
    void take(const ledger::ShardOrder& order, std::uint64_t body);
    void ask(const base::OrderRef& ref);
    void tell_of_slot(const ledger::ShardOrder& order, std::uint64_t nonce);
    void bury(const ledger::ShardOrder& order);
    void answer(const base::OrderRef& ref, shards::SubmitAnswer answer);
    void answer_ask(const base::OrderRef& ref,
                    std::variant<ledger::OrderNotice, shards::NoAnswer> answer);

    void sign(const ledger::signing::Sign& asked);
    void on_signed(const ledger::signing::Sign& asked, const shards::evm::SignResult& made);
    void send_to_chain(const ledger::signing::Broadcast& sent);
    void send_again();
    void carry_out_owed();

    // signing_chain.cpp
    void on_head(const shards::evm::HeadNews& news);
    void note_undone(std::uint64_t nonce);
    void note_found(const Found& found);
    void note_final();
    void review();
    void take_waiting();
    void conclude_finished(const std::vector<ledger::signing::Event>& events);
    void conclude(const base::OrderRef& ref);
    void finish(const ledger::ShardOrder& order, const ledger::signing::Outcome& outcome,
                const Found& found);
    void finish_without_word(const ledger::ShardOrder& order, const Found& found);
    void tell(ledger::OrderNotice notice);
    void on_fault(const shards::evm::ChainFault& fault);
    void publish_metrics() const;
    void publish_halt() const;

    // signing_operator.cpp
    void on_operator(const OperatorAsk& ask);
    [[nodiscard]] Answer resume(const ResumeLane& request);

    /// What the events ask of the world is done once they are durable.
    ledger::signing::Decision commit(const ledger::signing::Command& command);
    void tell_of(const ledger::signing::Event& event) const;
    void carry_out(const std::vector<ledger::signing::Effect>& effects);
    void halt(ledger::signing::Halt reason, std::uint64_t nonce, const std::string& why);
    void log(LogLevel level, const char* says, LogFields more) const;

    HomeParts parts_;
    Crank<ledger::signing::State> crank_;
    LaneActor lane_;
    shards::evm::Desk* desk_;
    base::ShardId shard_;
    OperatorsWaiting operators_;
    std::map<base::OrderRef, ledger::ShardOrder> orders_;  ///< Those whose end was not told yet.
    std::map<std::uint64_t, Found> found_;                 ///< By nonce: what is in a block.
    std::set<std::pair<std::uint64_t, std::uint32_t>> signing_;  ///< Asked of the signer.
    std::set<base::OrderRef> asking_;                            ///< Asked of the chain.
    std::optional<shards::evm::HeadNews> head_;                  ///< The latest.
    base::Timestamp identified_at_;
    base::Timestamp sent_at_;
    bool is_following_{};
    std::optional<ledger::signing::Reject> last_reject_;
};

template <class Word, class Then>
std::function<void(Word)> SigningHost::hears(Then then) {
    return [self = caf::actor_cast<SigningActor>(this), then = std::move(then)](Word word) {
        caf::anon_send(self, SigningWord{[then, word = std::move(word)](SigningHost& host) {
                           then(host, word);
                       }});
    };
}

}  // namespace crossclear::actors
