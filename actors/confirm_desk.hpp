#pragma once

#include "actors/messages.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <deque>
#include <vector>

namespace crossclear::actors {

/// Reads that wait until it is known that their partition was still this owner's when they arrived.
///
/// An owner that was replaced while it slept holds a state that somebody else has gone on from. So
/// a read is answered only after the journal has honoured the fence in a call that began after the
/// read had arrived. One such call is under way at a time, for all reads that waited when it began.
///
/// An append checks the same fence. A record that was first sent after a read had arrived, and is
/// durable, says as much as a call of its own: under load no read costs one. Only the first sending
/// counts, since an answer to a later one may speak of the first.
class ConfirmDesk {
public:
    /// Takes a read, unless too many wait.
    [[nodiscard]] bool add(ConfirmRead read, base::Timestamp now);
    /// Whether the journal should be asked: somebody waits, and no call is under way or put off.
    [[nodiscard]] bool wants_call() const;

    /// A call begins, for all that wait. **Requires:** `wants_call`.
    void begin_call();
    /// The journal honoured the fence in that call. Returns whose answers may go.
    [[nodiscard]] std::vector<ConfirmRead> call_confirmed();
    /// It could not say: whoever waits goes on waiting, and no call begins before `retry`.
    void call_failed();
    /// The pause after a call that failed is over.
    void retry();

    /// A record is sent for the first time.
    void begin_append();
    /// It is durable. Returns whose answers may go.
    [[nodiscard]] std::vector<ConfirmRead> append_committed();

    /// Those that are not patient and have waited for longer than `wait`; they wait no longer.
    [[nodiscard]] std::vector<ConfirmRead> overdue(base::Duration wait, base::Timestamp now);
    /// Drops every read that waits: nobody answers it here.
    void clear();

private:
    enum class Asking : std::uint8_t { idle, under_way, put_off };
    struct Waiting {
        std::uint64_t arrival{};
        base::Timestamp at;
        ConfirmRead read;
    };

    [[nodiscard]] std::vector<ConfirmRead> release(std::uint64_t until);

    std::deque<Waiting> waiting_;  ///< By arrival.
    std::uint64_t arrived_{};      ///< Counts every read there ever was.
    std::uint64_t by_call_{};      ///< The last arrival that the call under way speaks for.
    std::uint64_t by_append_{};    ///< The last one that the record in flight speaks for.
    Asking asking_{Asking::idle};
};

}  // namespace crossclear::actors
