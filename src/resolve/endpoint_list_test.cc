// Endpoints as JSON: every field, and every way to write it wrongly.
#include "resolve/endpoint_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rondo::resolve {
namespace {

std::string ErrorOf(std::string_view text) {
  const auto read = ReadEndpointList(text);
  return read.ok() ? "OK" : std::string(read.status().message());
}
std::string ErrorOfItem(std::string_view item) {
  return ErrorOf(R"({"endpoints":[)" + std::string(item) + "]}");
}

TEST(EndpointList, AnAddressAloneIsAnEndpoint) {
  const auto read = ReadEndpointList(R"({"endpoints": ["10.0.0.1:1", "unix:/a"]})");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(*read->endpoints, testing::ElementsAre(Endpoint{.addresses = {"10.0.0.1:1"}},
                                                     Endpoint{.addresses = {"unix:/a"}}));
  EXPECT_EQ(read->service_config_json, std::nullopt);
}

TEST(EndpointList, AnObjectSaysAllThatIsKnownOfAnEndpoint) {
  const auto read = ReadEndpointList(R"({"endpoints": [
    {"addresses": ["10.0.0.1:1", "[::1]:1"], "weight": 3, "zone": "eu-1a", "hashKey": "one",
     "labels": {"version": "2", "canary": ""}, "path": ["near", "a"]},
    {"address": "10.0.0.2:1"}]})");
  ASSERT_TRUE(read.ok()) << read.status();
  const Endpoint whole{.addresses = {"10.0.0.1:1", "[::1]:1"},
                       .weight = 3,
                       .zone = "eu-1a",
                       .hash_key = "one",
                       .labels = {{"version", "2"}, {"canary", ""}},
                       .path = {"near", "a"}};
  EXPECT_THAT(*read->endpoints, testing::ElementsAre(whole, Endpoint{.addresses = {"10.0.0.2:1"}}));
}

TEST(EndpointList, NoEndpointAtAllCanBeSaid) {
  const auto read = ReadEndpointList(R"({"endpoints": []})");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(read->endpoints->empty());
}

TEST(EndpointList, TheServiceConfigStandsWhereItStood) {
  const auto placed = ReadEndpointList(
      "{\"endpoints\": [],\n \"serviceConfig\": {\"x\": \"}\\\"{\", \"y\": {\"z\": 1}} }");
  ASSERT_TRUE(placed.ok()) << placed.status();
  EXPECT_EQ(placed->service_config_json,
            "\n                  {\"x\": \"}\\\"{\", \"y\": {\"z\": 1}}");
}

TEST(EndpointList, ColumnsBeforeTheServiceConfigCountCharacters) {
  const auto placed = ReadEndpointList(
      "{\"endpoints\": [\"\xc3\xa9\xe2\x82\xac:1\"], \"serviceConfig\": {\"a\": 1}}");
  ASSERT_TRUE(placed.ok()) << placed.status();
  EXPECT_EQ(placed->service_config_json, std::string(41, ' ') + "{\"a\": 1}");
}

TEST(EndpointList, WhatIsWrongIsNamedWithItsPlace) {
  EXPECT_EQ(ErrorOf("[]"), "1:1: it should be an object with endpoints");
  EXPECT_EQ(ErrorOf("{}"), "1:1: endpoints should be a list");
  EXPECT_EQ(ErrorOf(R"({"endpoints": 1})"), "1:15: endpoints should be a list");
  EXPECT_EQ(ErrorOf(R"({"endpoint": []})"),
            "1:14: it: no field \"endpoint\"; there are endpoints, serviceConfig");
  EXPECT_EQ(ErrorOf(R"({"endpoints": [], "serviceConfig": "{}"})"),
            "1:36: serviceConfig should be an object");
  EXPECT_EQ(ErrorOfItem("7"), "1:15: endpoints[0] should be an address or an object");
  EXPECT_EQ(ErrorOfItem(R"("")"), "1:15: endpoints[0] has an empty address");
  EXPECT_EQ(ErrorOfItem("{}"), "1:15: endpoints[0] should have an address, or addresses");
  EXPECT_EQ(ErrorOfItem(R"({"address":"a:1","addresses":[]})"),
            "1:15: endpoints[0] should have an address, or addresses");
  EXPECT_EQ(ErrorOfItem(R"({"addresses":[]})"), "1:28: endpoints[0].addresses is empty");
  EXPECT_EQ(ErrorOfItem(R"({"addresses":["a:1",2]})"),
            "1:35: endpoints[0].addresses[1] should be a text");
  EXPECT_EQ(ErrorOfItem(R"({"addresses":"a:1"})"),
            "1:28: endpoints[0].addresses should be a list of texts");
  for (const char* weight : {"0", "-1", "1.5", "4294967296", "null"}) {
    EXPECT_EQ(ErrorOfItem(R"({"address":"a:1","weight":)" + std::string(weight) + "}"),
              "1:41: endpoints[0].weight should be a whole number from 1 to 4294967295");
  }
  EXPECT_EQ(ErrorOfItem(R"({"address":"a:1","wieght":2})"),
            "1:41: endpoints[0]: no field \"wieght\"; there are address, addresses, weight, zone, "
            "hashKey, labels, path");
  EXPECT_EQ(ErrorOfItem(R"({"address":"a:1","zone":2})"),
            "1:39: endpoints[0].zone should be a text");
  EXPECT_EQ(ErrorOfItem(R"({"address":"a:1","labels":["x"]})"),
            "1:41: endpoints[0].labels should be an object of texts");
  EXPECT_EQ(ErrorOfItem(R"({"address":"a:1","labels":{"x":1}})"),
            "1:46: endpoints[0].labels.x should be a text");
  EXPECT_EQ(ErrorOfItem(R"({"address":"a:1","path":"x"})"),
            "1:39: endpoints[0].path should be a list of texts");
  EXPECT_THAT(ErrorOf("{\"endpoints\": ["), testing::StartsWith("1:16: not JSON: "));
}

}  // namespace
}  // namespace rondo::resolve
