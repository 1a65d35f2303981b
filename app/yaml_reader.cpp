#include "app/yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <fstream>
#include <set>
#include <sstream>
#include <utility>

namespace crossclear::app {
namespace {

constexpr std::size_t shown_length_max = 40;

int line_of(const YAML::Node& node) { return node.Mark().line + 1; }

bool is_quoted(const YAML::Node& node) { return node.Tag() == "!"; }

// What stands in the file, for the second half of "expected ..., found ...".
std::string shown(const YAML::Node& node) {
    if (node.IsMap()) return "a mapping";
    if (node.IsSequence()) return "a list";
    if (node.IsNull()) return "nothing";
    const auto& text = node.Scalar();
    if (text.size() > shown_length_max) {
        return fmt::format("'{}...'", text.substr(0, shown_length_max));
    }
    return fmt::format("'{}'{}", text, is_quoted(node) ? " in quotes" : "");
}

// Hears all that a text holds and keeps the first alias.
class AliasFinder final : public YAML::EventHandler {
public:
    struct Stop {};
    std::optional<ConfigFault> found;

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        found = ConfigFault{mark.line + 1, "", "expected a value of its own, found an alias"};
        throw Stop{};
    }
    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  const std::string&) override {}
    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {}
    void OnMapEnd() override {}
};

// Fills the fields of one mapping. A node that is no mapping is one fault, and then silence.
class Reader final : public FieldVisitor {
public:
    Reader(const YAML::Node& node, std::string path, YamlFindings& findings)
        : node_(node), path_(std::move(path)), findings_(findings) {
        findings_.lines.emplace(path_, line_of(node_));
        if (!node_.IsMap()) {
            complain(node_, path_, fmt::format("expected a mapping, found {}", shown(node_)));
            return;
        }
        for (const auto& entry : node_) index(entry.first, entry.second);
    }

    // To be called after the last field: what was not asked for has no business in the file.
    void finish() const {
        for (const auto& [key, node] : children_) {
            if (known_.contains(key)) continue;
            complain(keys_.at(key), child(key),
                     fmt::format("unknown key; expected one of {}", fmt::join(known_, ", ")));
        }
    }

private:
    [[nodiscard]] bool is_writing() const override { return false; }

    void section(std::string_view key, bool is_required,
                 std::function<void(FieldVisitor&)> fields) override {
        const auto node = find(key, is_required, "a mapping");
        if (!node) return;
        // Where its name stands; its first field may be lines further down.
        findings_.lines.emplace(child(key), line_of(keys_.find(key)->second));
        Reader inner(*node, child(key), findings_);
        fields(inner);
        inner.finish();
    }

    void scalar(std::string_view key, bool is_required, const Scalar& scalar) override {
        if (const auto node = find(key, is_required, scalar.expected)) {
            read(*node, child(key), scalar);
        }
    }

    void scalars(std::string_view key, const ScalarList& list) override {
        list.clear();
        const auto node = find_list(key, list.is_required, list.max);
        if (!node) return;
        std::size_t next = 0;
        for (std::size_t i = 0; i < node->size(); ++i) {
            if (read((*node)[i], item(key, i), list.at(next))) ++next;
        }
    }

    void objects(std::string_view key, const ObjectList& list) override {
        list.clear();
        const auto node = find_list(key, list.is_required, list.max);
        if (!node) return;
        std::size_t next = 0;
        for (std::size_t i = 0; i < node->size(); ++i) {
            Reader inner((*node)[i], item(key, i), findings_);
            if (!inner.node_.IsMap()) continue;
            list.visit(next++, inner);
            inner.finish();
        }
    }

    void entries(std::string_view key, const EntryList& list) override {
        list.clear();
        const auto node = find(key, true, "a mapping");
        if (!node) return;
        Reader inner(*node, child(key), findings_);
        std::size_t next = 0;
        for (const auto& [name, value] : inner.children_) {
            const auto& name_node = inner.keys_.at(name);
            if (!inner.read(name_node, inner.child(name), list.key(next))) continue;
            list.values(next, name, inner);
            ++next;
        }
    }

    bool read(const YAML::Node& node, const std::string& path, const Scalar& scalar) {
        findings_.lines.emplace(path, line_of(node));
        const bool is_value = node.IsScalar() && (scalar.is_text || !is_quoted(node));
        if (is_value && scalar.parse(node.Scalar())) return true;
        const auto found = scalar.is_secret ? "something else" : shown(node);
        complain(node, path, fmt::format("expected {}, found {}", scalar.expected, found));
        return false;
    }

    void index(const YAML::Node& key, const YAML::Node& value) {
        if (!key.IsScalar()) {
            complain(key, path_, fmt::format("expected a key, found {}", shown(key)));
            return;
        }
        if (!children_.emplace(key.Scalar(), value).second) {
            complain(key, child(key.Scalar()), "this key is given twice");
            return;
        }
        keys_.emplace(key.Scalar(), key);
    }

    std::optional<YAML::Node> find(std::string_view key, bool is_required,
                                   std::string_view expected) {
        known_.emplace(key);
        if (!node_.IsMap()) return std::nullopt;
        const auto found = children_.find(key);
        if (found != children_.end() && !found->second.IsNull()) return found->second;
        if (found != children_.end()) {
            complain(keys_.find(key)->second, child(key),
                     fmt::format("expected {}, found nothing", expected));
        } else if (is_required) {
            complain(node_, child(key), fmt::format("missing; expected {}", expected));
        }
        return std::nullopt;
    }

    std::optional<YAML::Node> find_list(std::string_view key, bool is_required, std::size_t max) {
        auto node = find(key, is_required, "a list");
        if (!node) return std::nullopt;
        findings_.lines.emplace(child(key), line_of(*node));
        if (!node->IsSequence()) {
            complain(*node, child(key), fmt::format("expected a list, found {}", shown(*node)));
            return std::nullopt;
        }
        if (node->size() > max) {
            complain(*node, child(key), fmt::format("more than {} entries", max));
            return std::nullopt;
        }
        return node;
    }

    void complain(const YAML::Node& node, const std::string& path, std::string says) const {
        add_fault(findings_.faults, {line_of(node), path, std::move(says)});
    }

    [[nodiscard]] std::string child(std::string_view key) const {
        return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
    }
    [[nodiscard]] std::string item(std::string_view key, std::size_t i) const {
        return fmt::format("{}[{}]", child(key), i);
    }

    YAML::Node node_;
    std::string path_;
    YamlFindings& findings_;
    std::map<std::string, YAML::Node, std::less<>> children_;
    std::map<std::string, YAML::Node, std::less<>> keys_;
    std::set<std::string, std::less<>> known_;
};

}  // namespace

void add_fault(std::vector<ConfigFault>& faults, ConfigFault fault) {
    if (faults.size() > yaml_faults_max) return;
    if (faults.size() == yaml_faults_max) fault.says = "and more that are not told";
    faults.push_back(std::move(fault));
}

std::optional<ConfigFault> alias_in(const std::string& text) {
    std::istringstream in(text);
    AliasFinder finder;
    try {
        YAML::Parser parser(in);
        while (!finder.found && parser.HandleNextDocument(finder)) {
        }
    } catch (const AliasFinder::Stop&) {
    } catch (const YAML::Exception&) {
        return std::nullopt;  // Whoever reads it says so.
    }
    return finder.found;
}

int YamlFindings::line_of(std::string_view path) const {
    while (!path.empty()) {
        if (const auto found = lines.find(path); found != lines.end()) return found->second;
        const auto cut = path.find_last_of(".[");
        path = cut == std::string_view::npos ? std::string_view{} : path.substr(0, cut);
    }
    return 0;
}

YamlFindings read_yaml(const std::string& text, const std::function<void(FieldVisitor&)>& fields) {
    YamlFindings findings;
    if (text.size() > yaml_bytes_max) {
        findings.faults.push_back({0, "", "larger than 4 MiB"});
        return findings;
    }
    try {
        const auto documents = YAML::LoadAll(text);
        if (documents.size() != 1) {
            findings.faults.push_back(
                {0, "", fmt::format("expected one document, found {}", documents.size())});
            return findings;
        }
        Reader reader(documents.front(), "", findings);
        if (!documents.front().IsMap()) return findings;
        fields(reader);
        reader.finish();
    } catch (const YAML::Exception& error) {
        findings.faults.push_back({error.mark.line + 1, "", "not YAML: " + error.msg});
    }
    return findings;
}

base::Result<std::string, ConfigError> read_text(const std::filesystem::path& path) {
    const auto refused = [&path](std::string says) {
        return base::Failure{
            ConfigError{.file = path.string(), .faults = {{0, "", std::move(says)}}}};
    };
    std::error_code status;
    if (std::filesystem::is_directory(path, status)) return refused("is a directory");
    std::ifstream in(path, std::ios::binary);
    if (!in) return refused("cannot be opened");
    // One byte more than may be: a device or a pipe without an end is refused as well.
    std::string text(yaml_bytes_max + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (in.bad() || text.empty()) return refused("cannot be read, or is empty");
    if (text.size() > yaml_bytes_max) return refused("larger than 4 MiB");
    return text;
}

}  // namespace crossclear::app
