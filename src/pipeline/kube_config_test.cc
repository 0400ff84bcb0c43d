#include "pipeline/kube_config.h"

#include <gtest/gtest.h>

#include <string>

#include "base/file.h"
#include "support/process.h"
#include "support/temporary_folder.h"

namespace torii::pipeline {
namespace {

using ::torii::testing::TemporaryFolder;
using ::torii::testing::write_text;

class KubeConfigs : public ::testing::Test {
 protected:
  std::filesystem::path file(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder_.path() / name;
    write_text(path, text);
    return path;
  }

  // Why this user cannot be taken.
  std::string refusal(const std::string& user) {
    const auto path = file("refused",
                           "clusters: [{name: c, cluster: {server: 'https://h'}}]\n"
                           "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
                           "current-context: x\nusers:\n- name: u\n  user:\n    " +
                               user + "\n");
    const auto given = read_kube_config({path}, "", KubeCredentials::kGiven);
    EXPECT_TRUE(given.ok());
    const auto read = read_kube_config({path}, "", KubeCredentials::kTaken);
    EXPECT_FALSE(read.ok());
    return read.ok() ? "" : read.error().message.substr(path.string().size());
  }

  TemporaryFolder folder_;
};

constexpr const char* kTwo = R"(
apiVersion: v1
kind: Config
clusters:
- name: near
  cluster: {server: "https://10.0.0.1:6443", certificate-authority: pki/ca.crt}
- name: far
  cluster: {server: "https://far.example.org/k8s", certificate-authority-data: Q0E=}
users:
- {name: admin, user: {token: one}}
- {name: robot, user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}}
contexts:
- {name: near, context: {cluster: near, user: admin, namespace: shop}}
- {name: far, context: {cluster: far, user: robot}}
current-context: near
)";

TEST_F(KubeConfigs, TheCurrentContextAndOneByName) {
  std::filesystem::create_directories(folder_.path() / "pki");
  file("pki/ca.crt", "CA");
  const auto path = file("config", kTwo);
  const auto near = read_kube_config({path}, "", KubeCredentials::kTaken);
  ASSERT_TRUE(near.ok()) << near.error().message;
  EXPECT_EQ(near->name, "near");
  EXPECT_EQ(near->namespace_name, "shop");
  EXPECT_EQ(near->access.host, "https://10.0.0.1:6443");
  EXPECT_EQ(near->access.token, "one");
  EXPECT_EQ(near->access.trusted, (folder_.path() / "pki/ca.crt").string());
  const auto far = read_kube_config({path}, "far", KubeCredentials::kTaken);
  ASSERT_TRUE(far.ok()) << far.error().message;
  EXPECT_EQ(far->namespace_name, "");
  EXPECT_EQ(far->access.token, "");
  EXPECT_EQ(*read_file(far->access.trusted), "CA");
  EXPECT_EQ(*read_file(far->access.client_certificate), "CERT");
  EXPECT_EQ(*read_file(far->access.client_key), "KEY");
  const auto given = read_kube_config({path}, "far", KubeCredentials::kGiven);
  ASSERT_TRUE(given.ok());
  EXPECT_EQ(given->access.client_certificate, "");
}

TEST_F(KubeConfigs, OfSeveralFilesTheFirstWins) {
  file("token", "from a file\n");
  const auto first = file("first",
                          "users: [{name: admin, user: {tokenFile: token, token: no}}]\n"
                          "current-context: far\n");
  const auto second = file("second", kTwo);
  const auto read = read_kube_config({first, second}, "near", KubeCredentials::kGiven);
  ASSERT_FALSE(read.ok());  // pki/ca.crt is not there
  EXPECT_EQ(read.error().message, second.string() +
                                      ":6: cluster 'near': certificate-authority: there is no " +
                                      (folder_.path() / "pki/ca.crt").string());
  std::filesystem::create_directories(folder_.path() / "pki");
  file("pki/ca.crt", "CA");
  const auto current = read_kube_config({first, second}, "", KubeCredentials::kTaken);
  ASSERT_TRUE(current.ok()) << current.error().message;
  EXPECT_EQ(current->name, "far");
  const auto near = read_kube_config({first, second}, "near", KubeCredentials::kTaken);
  ASSERT_TRUE(near.ok()) << near.error().message;
  EXPECT_EQ(near->access.token_file, (folder_.path() / "token").string());
  EXPECT_EQ(near->access.token, "");
}

TEST_F(KubeConfigs, WhatToriiDoesNotDoIsToldWithWhatToDo) {
  EXPECT_EQ(refusal("exec: {command: aws}"),
            ":7: user 'u': it has `exec`; torii runs no program to get a token: give it one with "
            "--token-file=FILE or TORII_CLUSTER_TOKEN, for example of `kubectl create token "
            "ACCOUNT`");
  EXPECT_TRUE(refusal("auth-provider: {name: gcp}").find("1.26") != std::string::npos);
  EXPECT_TRUE(refusal("username: me").find("no passwords") != std::string::npos);
  EXPECT_TRUE(refusal("as: someone").find("no one else's name") != std::string::npos);
  EXPECT_EQ(refusal("client-key-data: S0VZ"),
            ":7: user 'u': it has a client-key and no client-certificate; a client certificate "
            "needs both");
  EXPECT_EQ(refusal("client-certificate-data: '---'"),
            ":7: user 'u': client-certificate-data: expected base64; is the file whole?");
  for (const char* key :
       {"insecure-skip-tls-verify: true", "proxy-url: 'http://p'", "tls-server-name: other"}) {
    const auto path = file("cluster", std::string("clusters: [{name: c, cluster: {server: "
                                                  "'https://h', ") +
                                          key +
                                          "}}]\n"
                                          "contexts: [{name: x, context: {cluster: c}}]\n");
    const auto read = read_kube_config({path}, "x", KubeCredentials::kTaken);
    ASSERT_FALSE(read.ok()) << key;
    EXPECT_NE(read.error().message.find("cluster 'c': it has `"), std::string::npos);
  }
}

TEST_F(KubeConfigs, FaultsNameTheFileAndWhatThereIs) {
  const auto fault = [&](const std::string& text, const std::string& context) {
    const auto path = file("config", text);
    const auto read = read_kube_config({path}, context, KubeCredentials::kTaken);
    EXPECT_FALSE(read.ok());
    return read.ok() ? "" : read.error().message.substr(path.string().size());
  };
  EXPECT_EQ(fault(kTwo, "other"), ": there is no context 'other'; there are: near, far");
  EXPECT_EQ(fault("contexts: [{name: a}]\n", ""),
            ": it has no current-context; choose one by --context=NAME; there are: a");
  EXPECT_EQ(fault("contexts: [{name: a, context: {cluster: b}}]\n", "a"),
            ":1: context 'a': there is no cluster 'b'; there are: none");
  EXPECT_EQ(fault("clusters: [{name: b, cluster: {server: h}}]\n"
                  "contexts: [{name: a, context: {cluster: b}}]\n",
                  "a"),
            ":1: cluster 'b': server: expected https://HOST[:PORT], found 'h'");
  EXPECT_EQ(fault("kind: Secret\n", ""), ": expected a kubeconfig (kind: Config), found Secret");
  EXPECT_EQ(fault("- 1\n", ""), ": expected a kubeconfig (kind: Config), found array");
  const auto missing = read_kube_config({folder_.path() / "no"}, "", KubeCredentials::kTaken);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace torii::pipeline
