#include "app/config.hpp"
#include "app/config_fields.hpp"
#include "app/yaml.hpp"

#include <yaml-cpp/yaml.h>

namespace crossclear::app {
namespace {

// Prints every field into one open mapping of the emitter.
class Writer final : public FieldVisitor {
public:
    explicit Writer(YAML::Emitter& out) : out_(out) {}

private:
    [[nodiscard]] bool is_writing() const override { return true; }

    void section(std::string_view key, bool, std::function<void(FieldVisitor&)> fields) override {
        open(key);
        out_ << YAML::BeginMap;
        fields(*this);
        out_ << YAML::EndMap;
    }

    void scalar(std::string_view key, bool is_required, const Scalar& scalar) override {
        // No optional text has another default than none.
        if (!is_required && scalar.format().empty()) return;
        open(key);
        write(scalar);
    }

    void scalars(std::string_view key, const ScalarList& list) override {
        open(key);
        out_ << YAML::Flow << YAML::BeginSeq;
        for (std::size_t i = 0; i < list.size; ++i) write(list.at(i));
        out_ << YAML::EndSeq;
    }

    void objects(std::string_view key, const ObjectList& list) override {
        open(key);
        if (list.size == 0) out_ << YAML::Flow;
        out_ << YAML::BeginSeq;
        for (std::size_t i = 0; i < list.size; ++i) {
            out_ << YAML::BeginMap;
            list.visit(i, *this);
            out_ << YAML::EndMap;
        }
        out_ << YAML::EndSeq;
    }

    void entries(std::string_view key, const EntryList& list) override {
        open(key);
        if (list.size == 0) out_ << YAML::Flow;
        out_ << YAML::BeginMap;
        for (std::size_t i = 0; i < list.size; ++i) {
            list.values(i, list.key(i).format(), *this);
        }
        out_ << YAML::EndMap;
    }

    void open(std::string_view key) { out_ << YAML::Key << std::string(key) << YAML::Value; }

    void write(const Scalar& scalar) { out_ << scalar.format(); }

    YAML::Emitter& out_;
};

}  // namespace

std::string write_yaml(const std::function<void(FieldVisitor&)>& fields) {
    YAML::Emitter out;
    out << YAML::BeginMap;
    Writer writer(out);
    fields(writer);
    out << YAML::EndMap;
    CHECK(out.good(), "fields can always be written");
    return std::string(out.c_str()) + "\n";
}

std::string dump_config(const Config& config) {
    Config copy = config;  // A visitor may write; this one only reads.
    return write_yaml([&copy](FieldVisitor& visitor) { visit(visitor, copy); });
}

}  // namespace crossclear::app
