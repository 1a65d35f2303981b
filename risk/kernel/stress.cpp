#include "risk/kernel/stress.hpp"

#include "risk/kernel/stress_states.hpp"
#include "risk/kernel/value.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace crossclear::risk::kernel {
namespace {

// The worst of many states, which are added one after the other.
class Tally {
public:
    Tally(std::string_view name, std::size_t clients) {
        line_.name = name;
        line_.by_client.assign(clients, 0);
        line_.unknown.assign(clients, 0);
    }

    // One more state, in which nobody knows what is NaN.
    void add(const std::string& name, const std::vector<std::vector<double>>& by_client,
             std::size_t state) {
        ++line_.states;
        HouseSums::Line sums;
        for (std::size_t i = 0; i < by_client.size(); ++i) {
            const double usd = by_client[i][state];
            if (std::isnan(usd)) {
                ++line_.unknown[i];
                continue;
            }
            sums.add(usd);
            line_.by_client[i] = std::max(line_.by_client[i], usd);
        }
        const double two = sums.largest + sums.second;
        line_.largest = std::max(line_.largest, sums.largest);
        line_.two_largest = std::max(line_.two_largest, two);
        everyone_.note(sums.total, name);
        one_.note(sums.largest, name);
        two_.note(two, name);
    }

    // The line of all of them, or where only the largest one or two do not pay.
    [[nodiscard]] StressLine line_of(StressOf of) const {
        auto line = line_;
        const auto& worst = of == StressOf::everyone  ? everyone_
                            : of == StressOf::largest ? one_
                                                      : two_;
        line.loss = worst.usd;
        line.worst = worst.state;
        return line;
    }

private:
    struct Worst {
        double usd{};
        std::string state;

        void note(double loss, const std::string& name) {
            if (loss <= usd) return;
            usd = loss;
            state = name;
        }
    };
    StressLine line_;
    Worst everyone_;
    Worst one_;
    Worst two_;
};

}  // namespace

bool StressLine::is_complete() const noexcept {
    return states > 0 && std::all_of(unknown.begin(), unknown.end(),
                                     [](std::size_t count) { return count == 0; });
}

std::vector<double> StressBook::by_client() const {
    std::vector<double> worst;
    for (const auto& line : lines) {
        worst.resize(line.by_client.size(), 0);
        for (std::size_t i = 0; i < worst.size(); ++i) {
            worst[i] = std::max(worst[i], line.by_client[i]);
        }
    }
    return worst;
}

double largest_multiple(const Universe& universe, const StressTerms& terms) {
    double most = 1;
    auto at_one = universe;
    for (auto& wrapper : at_one.wrappers) wrapper.price = 1;
    const auto look = [&](const Scenario& scenario) {
        for (const double price : market_in(at_one, scenario).prices) {
            most = std::max(most, 1 + scenario.damp * (price - 1));
        }
    };
    for (const auto& scenario : universe.core) look(scenario);
    for (const auto& scenario : universe.simulated) look(scenario);
    const auto look_frozen = [&](double volatility_day) {
        most = std::max(
            most, 1 + frozen_move(universe.model, terms.oracle_frozen_hours, 1, volatility_day));
    };
    for (const auto& coin : universe.underlyings) look_frozen(coin.volatility_day);
    for (const auto& wrapper : universe.wrappers) look_frozen(wrapper.volatility_day);
    for (const auto& path : terms.paths) {
        for (const auto* forms : {&path.underlyings, &path.wrappers}) {
            for (const auto& moment : *forms) {
                for (const auto& multiple : moment) most = std::max(most, multiple.value_or(1));
            }
        }
    }
    return most;
}

base::Result<StressBook, Fault> stress_book_of(const Surface& surface,
                                               std::span<const Account* const> accounts,
                                               const StressTerms& terms) {
    const auto states = StressStates::of(surface, terms);
    if (!states) return base::Failure{states.error()};
    std::vector<std::vector<double>> by_client;
    for (const auto* account : accounts) {
        const auto margin = account->margin();
        if (!margin) return base::Failure{margin.error()};
        auto shortfalls = (*states)->shortfalls(*account, *margin);
        if (!shortfalls) return base::Failure{shortfalls.error()};
        by_client.push_back(*std::move(shortfalls));
    }
    StressBook result;
    for (const auto& stress : (*states)->stresses()) {
        Tally tally(stress.name, accounts.size());
        for (std::size_t s = stress.begin; s < stress.begin + stress.count; ++s) {
            tally.add((*states)->name(s), by_client, s);
        }
        result.lines.push_back(tally.line_of(stress.of));
    }
    return result;
}

}  // namespace crossclear::risk::kernel
