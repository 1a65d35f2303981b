#pragma once

#include "actors/confirm_desk.hpp"
#include "actors/context.hpp"
#include "actors/cover_desk.hpp"
#include "actors/margin_desk.hpp"
#include "actors/messages.hpp"
#include "ledger/journal/chain.hpp"
#include "ledger/shadow.hpp"

#include <chrono>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace crossclear::actors {

/// Owns one partition's log: takes it over, appends to it in batches, keeps its books.
///
/// One batch is in flight and the next gathers meanwhile, so no timer adds latency when idle. An
/// outcome that is unknown is answered with the same bytes again, for as long as it takes; a fence
/// or a gap ends this incarnation, and its partition drops everything.
class JournalHost : public JournalActor::base {
public:
    JournalHost(caf::actor_config& config, const Context* context, base::PartitionId partition,
                PartitionActor owner);

    JournalActor::behavior_type make_behavior() override;
    /// Lets go of everyone it knows: actors that hold each other are never freed.
    void on_exit() override;

private:
    enum class Phase : std::uint8_t { taking, reading, starting, running, renewing, ended };

    void take_over();
    void on_promised(const TookOver& message);
    void on_prepared(PrepareDone& message);
    void read_core();
    void on_core(const CoreFound& message);
    void on_core_ahead(std::uint64_t stored_at);
    void on_ahead_confirmed(const ledger::journal::ConfirmOutcome& outcome);
    void read_from_first(const std::string& why);
    void read_next();
    void on_read(ReadDone& message);
    [[nodiscard]] bool follow(const ledger::journal::Record& record);
    void finish_reading();
    void begin_epoch();
    void begin_serving();
    void ask_for_promise();
    void renew();
    void on_renewed(const ledger::journal::Head& last);
    [[nodiscard]] ledger::Entry epoch_started() const;

    void on_append(Append& message);
    void gather();
    void on_turn(const TurnOver& turn);
    void flush();
    void send_batch();
    void on_appended(const AppendDone& message);
    void on_committed();
    void on_trouble(std::string_view what, const std::string& reason);
    void end(bool is_broken, const std::string& why);

    void on_tick();
    void on_quota(const QuotaTold& told);
    void append_own(std::vector<ledger::Entry> entries);
    void cover_claims();
    void return_surplus();
    [[nodiscard]] bool is_behind() const;
    void report();
    void note_all_changed();
    void say_figures_again();
    [[nodiscard]] std::map<base::AssetId, base::Amount> open_interest_of(
        base::BrokerId broker) const;
    void publish_imbalance() const;
    [[nodiscard]] PartitionReport report_of(base::BrokerId broker) const;
    void add_shard_lines(PartitionReport& report) const;
    void look_at_overdue();
    void settle_contracts();
    void review_margins();

    void on_confirm_read(ConfirmRead& read);
    void confirm_fence();
    void on_confirm_done(const ConfirmDone& message);
    [[nodiscard]] bool end_if_replaced(const ledger::journal::Fence& fence,
                                       const ledger::journal::Fenced& by);
    void answer_reads(const std::vector<ConfirmRead>& reads);
    void refuse_overdue_reads();

    void retry_later();
    [[nodiscard]] bool is_serving() const {
        return phase_ == Phase::running || phase_ == Phase::renewing;
    }
    [[nodiscard]] PartitionStatus& status() const { return *context_->status[partition_.v]; }

    const Context* context_;
    base::PartitionId partition_;
    PartitionActor owner_;
    Phase phase_{Phase::taking};
    ledger::journal::Fence fence_;
    ledger::journal::Head target_;            ///< Where the log ended when it was taken over.
    ledger::journal::Head last_;              ///< What the next record must follow.
    std::shared_ptr<ledger::Shadow> shadow_;  ///< Until its keeper has it.
    std::string core_fault_;                  ///< Why the partition's snapshot is not used.
    SnapshotActor snapshots_;
    ledger::Book book_;
    CoverDesk desk_;
    MarginDesk margins_;
    ConfirmDesk confirms_;
    base::Timestamp overdue_looked_at_;
    base::Timestamp figures_said_at_;
    base::Timestamp started_at_;
    /// When the steps of the takeover ended, for its log line.
    struct Steps {
        base::Timestamp promised;
        base::Timestamp core;
        base::Timestamp tail;
        std::uint64_t core_at{};
    };
    Steps steps_;

    std::deque<Append> queue_;
    std::size_t queued_bytes_{};
    std::vector<Append> flying_;
    ledger::journal::Append in_flight_;
    bool is_flying_{};
    caf::actor turnstile_;  ///< Queues behind all who are ready to run, and sends back.
    bool is_gathering_{};   ///< Those get their say before the next batch is made.
    base::Timestamp gathering_since_;
    bool is_surplus_due_{};
    base::Timestamp sent_at_;
    std::set<base::BrokerId> changed_;  ///< Brokers whose figures moved since the last report.
    std::string trouble_;
};

}  // namespace crossclear::actors
