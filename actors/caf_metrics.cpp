#include "actors/caf_metrics.hpp"

#include <caf/actor_system.hpp>
#include <caf/telemetry/counter.hpp>
#include <caf/telemetry/gauge.hpp>
#include <caf/telemetry/histogram.hpp>
#include <caf/telemetry/metric.hpp>
#include <caf/telemetry/metric_family.hpp>
#include <caf/telemetry/metric_registry.hpp>

#include <algorithm>
#include <string>

namespace crossclear::actors {
namespace {

namespace telemetry = caf::telemetry;

std::string name_of(const telemetry::metric_family& family) {
    std::string name = family.prefix() + '_' + family.name();
    // CAF writes "1" for what has no unit.
    if (family.unit() != "1") name += '_' + family.unit();
    if (family.is_sum()) name += "_total";
    std::replace_if(name.begin(), name.end(), [](char c) { return c == '.' || c == '-'; }, '_');
    return name;
}

// Walks CAF's registry, which calls it with each metric of each family in turn.
class Collector {
public:
    template <class Metric>
    void operator()(const telemetry::metric_family* family, const telemetry::metric* instance,
                    const Metric* metric) {
        using telemetry::metric_type;
        constexpr auto type = Metric::runtime_type;
        if constexpr (type == metric_type::int_histogram || type == metric_type::dbl_histogram) {
            fill(add(family, instance, metrics::Kind::histogram), *metric);
        } else {
            constexpr bool is_counter =
                type == metric_type::int_counter || type == metric_type::dbl_counter;
            add(family, instance, is_counter ? metrics::Kind::counter : metrics::Kind::gauge)
                .value = static_cast<double>(metric->value());
        }
    }

    [[nodiscard]] std::vector<metrics::Family> take() { return std::move(families_); }

private:
    template <class Histogram>
    static void fill(metrics::Sample& sample, const Histogram& histogram) {
        const auto buckets = histogram.buckets();
        for (std::size_t i = 0; i < buckets.size(); ++i) {
            // The last one has no bound, which goes without saying in our samples.
            if (i + 1 < buckets.size()) {
                sample.bounds.push_back(static_cast<double>(buckets[i].upper_bound));
            }
            sample.counts.push_back(static_cast<std::uint64_t>(buckets[i].count.value()));
        }
        sample.sum = static_cast<double>(histogram.sum());
    }

    metrics::Sample& add(const telemetry::metric_family* family, const telemetry::metric* instance,
                         metrics::Kind kind) {
        auto name = name_of(*family);
        if (families_.empty() || families_.back().name != name) {
            families_.push_back(
                {.name = std::move(name), .help = family->helptext(), .kind = kind, .samples = {}});
        }
        metrics::Sample sample;
        for (const auto& label : instance->labels()) {
            auto key = caf::to_string(label.name());
            std::replace(key.begin(), key.end(), '-', '_');
            sample.labels.emplace_back(std::move(key), caf::to_string(label.value()));
        }
        return families_.back().samples.emplace_back(std::move(sample));
    }

    std::vector<metrics::Family> families_;
};

}  // namespace

std::vector<metrics::Family> caf_families(caf::actor_system& system) {
    Collector collector;
    system.metrics().collect(collector);
    return collector.take();
}

}  // namespace crossclear::actors
