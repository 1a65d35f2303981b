#include "app/audit.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>

// What an audit found, for people and for programs.

namespace crossclear::app {

std::string text_of(const AuditReport& report) {
    std::string text = fmt::format(
        "records {} events {} accounts {} trades {} refusals {} liquidations {} defaults {} "
        "snapshots {} shard lines {} at rest {} audit {}\n",
        report.records, report.events, report.accounts, report.trades, report.refusals,
        report.liquidations, report.defaults, report.snapshots, report.shard_lines,
        report.is_at_rest ? "yes" : "no", report.violations.empty() ? "ok" : "failed");
    for (const auto& note : report.notes) text += "  note: " + note + '\n';
    const auto named = report.findings.violations();
    for (const auto& violation : report.violations) {
        // What could not be read at all belongs to no invariant.
        if (std::find(named.begin(), named.end(), violation) == named.end()) {
            text += "  " + violation + '\n';
        }
    }
    for (const auto invariant : all_invariants()) {
        const auto& finding = report.findings.of(invariant);
        text += fmt::format(
            "{:>3} {:<6} {} ({})\n", number_of(invariant),
            finding.looked_at == 0 && finding.violations.empty() && !finding.unseen.empty()
                ? "unseen"
                : finding.verdict(),
            claim_of(invariant), finding.looked_at);
        for (const auto& violation : finding.violations) text += "      " + violation + '\n';
        for (const auto& why : finding.unseen) text += "      not visible: " + why + '\n';
    }
    return text;
}

std::string json_of(const AuditReport& report) {
    boost::json::array invariants;
    for (const auto invariant : all_invariants()) {
        const auto& finding = report.findings.of(invariant);
        boost::json::object line;
        line["number"] = number_of(invariant);
        line["claim"] = claim_of(invariant);
        line["verdict"] = finding.verdict();
        line["looked_at"] = finding.looked_at;
        line["violations"] =
            boost::json::array(finding.violations.begin(), finding.violations.end());
        line["unseen"] = boost::json::array(finding.unseen.begin(), finding.unseen.end());
        invariants.push_back(std::move(line));
    }
    boost::json::object object;
    object["audit"] = report.violations.empty() ? "ok" : "failed";
    object["records"] = report.records;
    object["events"] = report.events;
    object["accounts"] = report.accounts;
    object["trades"] = report.trades;
    object["refusals"] = report.refusals;
    object["liquidations"] = report.liquidations;
    object["defaults"] = report.defaults;
    object["snapshots"] = report.snapshots;
    object["shard_lines"] = report.shard_lines;
    object["at_rest"] = report.is_at_rest;
    object["invariants"] = std::move(invariants);
    object["violations"] = boost::json::array(report.violations.begin(), report.violations.end());
    object["notes"] = boost::json::array(report.notes.begin(), report.notes.end());
    return boost::json::serialize(object);
}

}  // namespace crossclear::app
