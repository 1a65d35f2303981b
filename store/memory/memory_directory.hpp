#pragma once

#include "base/time.hpp"
#include "store/directory/directory.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

/// A directory in memory, for tests, simulation and a cluster within one process. It answers as one
/// Redis does; one suite of tests runs on both.

namespace crossclear::store {

/// One node's door to members and leases that several nodes share.
///
/// **Thread:** any. One lock guards all; callbacks run inside the call, on its thread, outside it.
class MemoryDirectory final : public Directory {
public:
    /// An empty directory. `now` may be virtual time; it is asked under the lock.
    MemoryDirectory(std::uint16_t partition_count, std::function<base::Timestamp()> now);
    ~MemoryDirectory() override;

    /// Another node's door to the same members and leases.
    [[nodiscard]] std::unique_ptr<MemoryDirectory> for_another_node() const;

    void beat(Beat beat, std::function<void(BeatOutcome)> done) override;
    void leave(Member self, std::function<void(bool)> done) override;
    void stop() override;

    /// Cuts this node off with this reason until it is called with an empty one: its beats are
    /// unknown, and none of them counts. The other nodes notice nothing but its silence.
    void set_trouble(std::string reason);

private:
    struct Shared;
    explicit MemoryDirectory(std::shared_ptr<Shared> shared);
    [[nodiscard]] BeatOutcome do_beat(const Beat& beat);

    const std::shared_ptr<Shared> shared_;
    // Guarded by the lock of what is shared.
    std::string trouble_;
    bool is_stopped_{};
};

}  // namespace crossclear::store
