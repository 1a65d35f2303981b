#include "app/document.hpp"

#include "app/yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace crossclear::app {

struct DocumentNode::Impl {
    YAML::Node node;
    std::string path;
    std::vector<ConfigFault>& faults;
};

namespace {

// Quoted, or said to be of another type: what is plain has the tag "?".
bool is_tagged_scalar(const YAML::Node& node) { return node.Tag() != "?" && !node.Tag().empty(); }

std::string kind_of_node(const YAML::Node& node) {
    constexpr std::size_t shown_max = 40;
    if (node.IsMap()) return "a mapping";
    if (node.IsSequence()) return "a list";
    if (node.IsNull()) return "nothing";
    return fmt::format("'{}'", node.Scalar().substr(0, shown_max));
}

std::optional<double> number_in(const YAML::Node& node) {
    if (!node.IsScalar() || is_tagged_scalar(node)) return std::nullopt;
    const auto& text = node.Scalar();
    double value{};
    const auto* end = text.data() + text.size();
    const auto [at, status] = std::from_chars(text.data(), end, value);
    // It also reads "inf" and "nan", which are no numbers here.
    if (status != std::errc{} || at != end || !std::isfinite(value)) return std::nullopt;
    return value;
}

std::string joined(const std::string& path, std::string_view key) {
    return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

}  // namespace

const std::string& DocumentNode::path() const { return impl_->path; }
int DocumentNode::line() const { return impl_->node.Mark().line + 1; }
bool DocumentNode::is_null() const { return impl_->node.IsNull(); }
bool DocumentNode::is_mapping() const { return impl_->node.IsMap(); }

void DocumentNode::complain(std::string says) const {
    add_fault(impl_->faults, {line(), impl_->path, std::move(says)});
}

double DocumentNode::number(const NumberBounds& bounds) const {
    const auto value = number_in(impl_->node);
    if (value && *value >= bounds.min && *value <= bounds.max) return *value;
    complain(fmt::format("expected a number from {:g} to {:g}, found {}", bounds.min, bounds.max,
                         kind_of_node(impl_->node)));
    return 0;
}

double DocumentNode::whole(const NumberBounds& bounds) const {
    const auto value = number_in(impl_->node);
    if (!value || *value == std::round(*value)) return number(bounds);
    complain(fmt::format("expected a whole number, found {}", kind_of_node(impl_->node)));
    return 0;
}

std::string DocumentNode::text() const {
    if (impl_->node.IsScalar() && !impl_->node.Scalar().empty()) return impl_->node.Scalar();
    complain(fmt::format("expected a text, found {}", kind_of_node(impl_->node)));
    return {};
}

std::string DocumentNode::scalar() const {
    if (impl_->node.IsScalar()) return impl_->node.Scalar();
    complain(fmt::format("expected a text, found {}", kind_of_node(impl_->node)));
    return {};
}

std::vector<DocumentNode> DocumentNode::items(std::size_t max) const {
    std::vector<DocumentNode> list;
    if (!impl_->node.IsSequence()) {
        complain(fmt::format("expected a list, found {}", kind_of_node(impl_->node)));
        return list;
    }
    if (impl_->node.size() > max) {
        complain(fmt::format("more than {} entries", max));
        return list;
    }
    for (const auto& item : impl_->node) {
        list.emplace_back(std::make_shared<const Impl>(
            Impl{item, fmt::format("{}[{}]", impl_->path, list.size()), impl_->faults}));
    }
    return list;
}

std::vector<std::pair<std::string, DocumentNode>> DocumentNode::members(std::size_t max) const {
    std::vector<std::pair<std::string, DocumentNode>> list;
    if (!impl_->node.IsMap()) {
        complain(fmt::format("expected a mapping, found {}", kind_of_node(impl_->node)));
        return list;
    }
    if (impl_->node.size() > max) {
        complain(fmt::format("more than {} entries", max));
        return list;
    }
    std::set<std::string> seen;
    for (const auto& entry : impl_->node) {
        if (!entry.first.IsScalar()) {
            complain(fmt::format("expected a key, found {}", kind_of_node(entry.first)));
            continue;
        }
        const auto& key = entry.first.Scalar();
        const DocumentNode node(std::make_shared<const Impl>(
            Impl{entry.second, joined(impl_->path, key), impl_->faults}));
        if (!seen.insert(key).second) {
            node.complain("this key is given twice");
            continue;
        }
        list.emplace_back(key, node);
    }
    return list;
}

DocumentObject::DocumentObject(const DocumentNode& node) : node_(node) {
    for (auto& [key, value] : node.members()) members_.emplace(key, value);
}

const DocumentNode* DocumentObject::optional(std::string_view key) {
    known_.emplace(key);
    const auto found = members_.find(key);
    return found == members_.end() ? nullptr : &found->second;
}

const DocumentNode* DocumentObject::required(std::string_view key) {
    const auto* found = optional(key);
    if (found == nullptr && node_.is_mapping()) {
        node_.complain(fmt::format("'{}' is missing", key));
    }
    return found;
}

double DocumentObject::number(std::string_view key, const NumberBounds& bounds) {
    const auto* found = required(key);
    return found == nullptr ? 0 : found->number(bounds);
}

double DocumentObject::whole(std::string_view key, const NumberBounds& bounds) {
    const auto* found = required(key);
    return found == nullptr ? 0 : found->whole(bounds);
}

double DocumentObject::number_or(std::string_view key, double otherwise,
                                 const NumberBounds& bounds) {
    const auto* found = optional(key);
    return found == nullptr ? otherwise : found->number(bounds);
}

std::string DocumentObject::text(std::string_view key) {
    const auto* found = required(key);
    return found == nullptr ? std::string{} : found->text();
}

void DocumentObject::finish() const {
    for (const auto& [key, value] : members_) {
        if (known_.contains(key)) continue;
        value.complain(fmt::format("unknown key; expected one of {}", fmt::join(known_, ", ")));
    }
}

base::Result<void, ConfigError> read_document(
    const std::string& text, std::string_view file,
    const std::function<void(const DocumentNode&)>& read) {
    std::vector<ConfigFault> faults;
    if (text.size() > yaml_bytes_max) {
        faults.push_back({0, "", "larger than 4 MiB"});
    } else if (auto alias = alias_in(text)) {
        faults.push_back(*std::move(alias));
    } else {
        try {
            const auto documents = YAML::LoadAll(text);
            if (documents.size() == 1) {
                read(DocumentNode(std::make_shared<const DocumentNode::Impl>(
                    DocumentNode::Impl{documents.front(), "", faults})));
            } else {
                faults.push_back(
                    {0, "", fmt::format("expected one document, found {}", documents.size())});
            }
        } catch (const YAML::Exception& error) {
            faults.push_back({error.mark.line + 1, "", "not JSON or YAML: " + error.msg});
        }
    }
    if (faults.empty()) return {};
    std::stable_sort(faults.begin(), faults.end(),
                     [](const auto& a, const auto& b) { return a.line < b.line; });
    return base::Failure{ConfigError{.file = std::string(file), .faults = std::move(faults)}};
}

}  // namespace crossclear::app
