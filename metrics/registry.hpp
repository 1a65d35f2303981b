#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Numbers for the people who run it, by name and labels. A handle is looked up once and then
/// updated without a lock; how the text is written stays inside registry.cpp.

namespace crossclear::metrics {

/// Label names and values of one series, in any order. Never an account, trade or order id.
using Labels = std::vector<std::pair<std::string, std::string>>;

/// Upper bounds in seconds that fit the latency budget: 50 microseconds to 10 seconds.
[[nodiscard]] std::span<const double> duration_bounds() noexcept;
/// Upper bounds for counts, in powers of two: 1 to 1024.
[[nodiscard]] std::span<const double> count_bounds() noexcept;

/// What a series holds; shared between handles and the registry.
struct ScalarCell {
    std::atomic<double> value{0};
};
/// The same for a histogram: counts per bucket and the sum of all observations.
struct HistogramCell {
    std::vector<double> bounds;  ///< Ascending; the last bucket is beyond them.
    std::unique_ptr<std::atomic<std::uint64_t>[]> counts;  ///< One more than there are bounds.
    std::atomic<double> sum{0};
};

/// Only ever grows. A handle without a series swallows what it is given. **Thread:** any.
class Counter {
public:
    Counter() = default;
    explicit Counter(ScalarCell* cell) : cell_(cell) {}
    /// Adds `by`; nothing where it is not positive.
    void increment(double by = 1) const noexcept {
        if (cell_ != nullptr && by > 0) cell_->value.fetch_add(by, std::memory_order_relaxed);
    }
    /// The sum so far; 0 without a series.
    [[nodiscard]] double value() const noexcept {
        return cell_ == nullptr ? 0 : cell_->value.load(std::memory_order_relaxed);
    }

private:
    ScalarCell* cell_{};
};

/// Goes up and down. **Thread:** any.
class Gauge {
public:
    Gauge() = default;
    explicit Gauge(ScalarCell* cell) : cell_(cell) {}
    /// Puts it somewhere, moves it from where it is, or says where it stands: 0 without a series.
    void set(double value) const noexcept {
        if (cell_ != nullptr) cell_->value.store(value, std::memory_order_relaxed);
    }
    void add(double by) const noexcept {
        if (cell_ != nullptr) cell_->value.fetch_add(by, std::memory_order_relaxed);
    }
    [[nodiscard]] double value() const noexcept {
        return cell_ == nullptr ? 0 : cell_->value.load(std::memory_order_relaxed);
    }
    /// Ends the series until it is set again: nobody here knows it any more.
    void forget() const noexcept { set(std::numeric_limits<double>::quiet_NaN()); }

private:
    ScalarCell* cell_{};
};

/// Counts observations by size. **Thread:** any.
class Histogram {
public:
    Histogram() = default;
    explicit Histogram(HistogramCell* cell) : cell_(cell) {}
    /// Counts one value into the first bucket whose bound is not below it.
    void observe(double value) const noexcept;
    /// Of all observations so far.
    [[nodiscard]] std::uint64_t count() const noexcept;
    [[nodiscard]] double sum() const noexcept;

private:
    HistogramCell* cell_{};
};

/// How a family is to be read.
enum class Kind : std::uint8_t { counter, gauge, histogram };

/// One series of a ready-made family.
struct Sample {
    Labels labels;
    double value{};                     ///< Counters and gauges.
    std::vector<double> bounds;         ///< Histograms: upper bounds, ascending, without infinity.
    std::vector<std::uint64_t> counts;  ///< Per bucket, not cumulated; one more than bounds.
    double sum{};
};

/// A name with all its series, as a collector hands it over at a scrape.
struct Family {
    std::string name;
    std::string help;
    Kind kind{Kind::gauge};
    std::vector<Sample> samples;
};

/// Asked at every scrape for families that live elsewhere, and before the registry's own are read:
/// it may set those that only somebody else knows. Must not block.
using Collector = std::function<std::vector<Family>()>;

/// All series of a process. **Thread:** any; handles stay valid as long as the registry.
class Registry {
public:
    Registry();
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;
    ~Registry();

    /// The series of that name and labels, made when first asked for. **Requires:** a valid name
    /// and labels; one kind, help and set of bounds per name.
    [[nodiscard]] Counter counter(std::string_view name, std::string_view help,
                                  const Labels& labels = {});
    [[nodiscard]] Gauge gauge(std::string_view name, std::string_view help,
                              const Labels& labels = {});
    [[nodiscard]] Histogram histogram(std::string_view name, std::string_view help,
                                      const Labels& labels = {},
                                      std::span<const double> bounds = duration_bounds());

    /// Adds a source of ready-made families.
    void add_collector(Collector collector);

    /// Everything in Prometheus text format 0.0.4, families by name, series by labels.
    [[nodiscard]] std::string scrape() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Memory, processor time, open files and start time of this process, from /proc.
[[nodiscard]] std::vector<Family> process_families();

}  // namespace crossclear::metrics
