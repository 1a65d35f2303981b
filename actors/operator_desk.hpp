#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace crossclear::actors {

/// Knows which hosts an operator's request is about, and puts their answers together.
class OperatorDesk {
public:
    explicit OperatorDesk(const Context* context) : context_(context) {}

    /// What is known without asking anybody.
    [[nodiscard]] std::optional<Answer> answer_at_once(const OperatorRequest& request) const;
    /// Who has to be asked: reconcilers, houses, or whoever signs for a lane. None: there is no
    /// such lane.
    [[nodiscard]] std::vector<base::EntityId> hosts_of(const OperatorRequest& request) const;
    /// What is said where there is none.
    [[nodiscard]] Refusal no_host_of(const OperatorRequest& request) const;

    /// So many answers will come under the ticket.
    void expect(std::uint64_t ticket, std::size_t answers) { gathering_[ticket].left = answers; }
    /// The whole answer, once the last one is here; any refusal is the answer of all.
    [[nodiscard]] std::optional<Answer> gather(std::uint64_t ticket, Answer part);

private:
    struct Gathering {
        std::size_t left{};
        std::optional<Answer> whole;
    };

    [[nodiscard]] PartitionsView partitions() const;
    [[nodiscard]] NodesView nodes() const;

    const Context* context_;
    std::map<std::uint64_t, Gathering> gathering_;
};

}  // namespace crossclear::actors
