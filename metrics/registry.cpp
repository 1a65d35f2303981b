#include "metrics/registry.hpp"

#include "base/check.hpp"

#include <prometheus/check_names.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <sstream>

namespace crossclear::metrics {
namespace {

constexpr std::array duration_bounds_seconds{0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025,
                                             0.005,   0.01,   0.025,   0.05,   0.1,   0.25,
                                             0.5,     1.0,    2.5,     5.0,    10.0};
constexpr std::array powers_of_two{1.0,  2.0,   4.0,   8.0,   16.0,  32.0,
                                   64.0, 128.0, 256.0, 512.0, 1024.0};

/// Series one name may have; beyond it a label holds what no label may hold.
constexpr std::size_t series_per_name_max = 16'384;

prometheus::MetricType type_of(Kind kind) {
    switch (kind) {
        case Kind::counter:
            return prometheus::MetricType::Counter;
        case Kind::gauge:
            return prometheus::MetricType::Gauge;
        case Kind::histogram:
            return prometheus::MetricType::Histogram;
    }
    UNREACHABLE("an unlisted kind");
}

prometheus::ClientMetric::Histogram cumulated(const Sample& sample) {
    prometheus::ClientMetric::Histogram histogram;
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < sample.counts.size(); ++i) {
        total += sample.counts[i];
        const double bound =
            i < sample.bounds.size() ? sample.bounds[i] : std::numeric_limits<double>::infinity();
        histogram.bucket.push_back({total, bound});
    }
    histogram.sample_count = total;
    histogram.sample_sum = sample.sum;
    return histogram;
}

prometheus::MetricFamily to_prometheus(const Family& family) {
    prometheus::MetricFamily out;
    out.name = family.name;
    out.help = family.help;
    out.type = type_of(family.kind);
    for (const auto& sample : family.samples) {
        prometheus::ClientMetric metric;
        for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
        switch (family.kind) {
            case Kind::counter:
                metric.counter.value = sample.value;
                break;
            case Kind::gauge:
                metric.gauge.value = sample.value;
                break;
            case Kind::histogram:
                metric.histogram = cumulated(sample);
                break;
        }
        out.metric.push_back(std::move(metric));
    }
    return out;
}

Sample sample_of(const Labels& labels, const HistogramCell& cell) {
    Sample sample{.labels = labels, .value = 0, .bounds = cell.bounds, .counts = {}, .sum = 0};
    for (std::size_t i = 0; i <= cell.bounds.size(); ++i) {
        sample.counts.push_back(cell.counts[i].load(std::memory_order_relaxed));
    }
    sample.sum = cell.sum.load(std::memory_order_relaxed);
    return sample;
}

}  // namespace

std::span<const double> duration_bounds() noexcept { return duration_bounds_seconds; }
std::span<const double> count_bounds() noexcept { return powers_of_two; }

void Histogram::observe(double value) const noexcept {
    if (cell_ == nullptr) return;
    const auto bucket = std::lower_bound(cell_->bounds.begin(), cell_->bounds.end(), value);
    const auto index = static_cast<std::size_t>(bucket - cell_->bounds.begin());
    cell_->counts[index].fetch_add(1, std::memory_order_relaxed);
    cell_->sum.fetch_add(value, std::memory_order_relaxed);
}

std::uint64_t Histogram::count() const noexcept {
    if (cell_ == nullptr) return 0;
    std::uint64_t total = 0;
    for (std::size_t i = 0; i <= cell_->bounds.size(); ++i) {
        total += cell_->counts[i].load(std::memory_order_relaxed);
    }
    return total;
}

double Histogram::sum() const noexcept {
    return cell_ == nullptr ? 0 : cell_->sum.load(std::memory_order_relaxed);
}

struct Registry::State {
    struct Series {
        std::unique_ptr<ScalarCell> scalar;
        std::unique_ptr<HistogramCell> histogram;
    };
    struct Named {
        std::string help;
        Kind kind{Kind::gauge};
        std::map<Labels, Series> series;
    };

    mutable std::mutex mutex;
    std::map<std::string, Named, std::less<>> names;
    std::vector<Collector> collectors;

    // The series' place; empty when it is new. Cells never move, so handles may keep pointers.
    Series& at(std::string_view name, std::string_view help, Kind kind, Labels labels) {
        CHECK(prometheus::CheckMetricName(std::string{name}), "a metric name Prometheus accepts");
        for (const auto& label : labels) {
            CHECK(prometheus::CheckLabelName(label.first), "a label name Prometheus accepts");
        }
        std::sort(labels.begin(), labels.end());
        auto found = names.find(name);
        if (found == names.end()) {
            found = names.emplace(name, Named{std::string{help}, kind, {}}).first;
        }
        CHECK(found->second.kind == kind, "a metric has one kind");
        CHECK(found->second.series.size() < series_per_name_max, "labels hold no ids");
        return found->second.series[std::move(labels)];
    }

    ScalarCell* scalar(std::string_view name, std::string_view help, Kind kind,
                       const Labels& labels) {
        const std::lock_guard lock{mutex};
        auto& series = at(name, help, kind, labels);
        if (!series.scalar) series.scalar = std::make_unique<ScalarCell>();
        return series.scalar.get();
    }

    std::vector<Family> own_families() const {
        const std::lock_guard lock{mutex};
        std::vector<Family> families;
        for (const auto& [name, named] : names) {
            Family family{.name = name, .help = named.help, .kind = named.kind, .samples = {}};
            for (const auto& [labels, series] : named.series) {
                // Forgotten: NaN would make every sum over nodes NaN.
                if (series.scalar && std::isnan(series.scalar->value.load())) continue;
                if (series.histogram) {
                    family.samples.push_back(sample_of(labels, *series.histogram));
                } else {
                    family.samples.push_back({.labels = labels,
                                              .value = series.scalar->value.load(),
                                              .bounds = {},
                                              .counts = {},
                                              .sum = 0});
                }
            }
            if (!family.samples.empty()) families.push_back(std::move(family));
        }
        return families;
    }
};

Registry::Registry() : state_(std::make_unique<State>()) {}
Registry::~Registry() = default;

Counter Registry::counter(std::string_view name, std::string_view help, const Labels& labels) {
    return Counter{state_->scalar(name, help, Kind::counter, labels)};
}

Gauge Registry::gauge(std::string_view name, std::string_view help, const Labels& labels) {
    return Gauge{state_->scalar(name, help, Kind::gauge, labels)};
}

Histogram Registry::histogram(std::string_view name, std::string_view help, const Labels& labels,
                              std::span<const double> bounds) {
    CHECK(std::is_sorted(bounds.begin(), bounds.end()), "bounds ascend");
    const std::lock_guard lock{state_->mutex};
    auto& series = state_->at(name, help, Kind::histogram, labels);
    if (!series.histogram) {
        series.histogram = std::make_unique<HistogramCell>();
        series.histogram->bounds.assign(bounds.begin(), bounds.end());
        series.histogram->counts =
            std::make_unique<std::atomic<std::uint64_t>[]>(bounds.size() + 1);
    }
    return Histogram{series.histogram.get()};
}

void Registry::add_collector(Collector collector) {
    const std::lock_guard lock{state_->mutex};
    state_->collectors.push_back(std::move(collector));
}

std::string Registry::scrape() const {
    std::vector<Family> families;
    std::vector<Collector> collectors;
    {
        const std::lock_guard lock{state_->mutex};
        collectors = state_->collectors;
    }
    // Collectors run without our lock: they may well look up a handle.
    for (const auto& collector : collectors) {
        for (auto& family : collector()) families.push_back(std::move(family));
    }
    // After them: a collector may set what is ours, so that it is true at this moment.
    for (auto& family : state_->own_families()) families.push_back(std::move(family));
    std::stable_sort(families.begin(), families.end(),
                     [](const Family& a, const Family& b) { return a.name < b.name; });
    std::vector<prometheus::MetricFamily> out;
    out.reserve(families.size());
    for (const auto& family : families) out.push_back(to_prometheus(family));
    return prometheus::TextSerializer{}.Serialize(out);
}

}  // namespace crossclear::metrics
