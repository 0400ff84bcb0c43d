#include "pipeline/cluster_api.h"

#include <gtest/gtest.h>

namespace torii::pipeline {
namespace {

// Words as kubelet, Kubernetes and Argo write them.
TEST(Remedies, FitWhatTheClusterSays) {
  EXPECT_EQ(remedy_for("OOMKilled (exit code 137)"), kMemoryRemedy);
  EXPECT_EQ(remedy_for("Error (exit code 137)"), kMemoryRemedy);
  EXPECT_EQ(remedy_for("Pod ephemeral local storage usage exceeds the total limit of containers "
                       "10Mi. "),
            kStorageRemedy);
  EXPECT_EQ(remedy_for("Container main exceeded its local ephemeral storage limit \"10Mi\". "),
            kStorageRemedy);
  EXPECT_EQ(remedy_for("Usage of EmptyDir volume \"outputs\" exceeds the limit \"1Gi\". "),
            kStorageRemedy);
  EXPECT_EQ(remedy_for("The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi"),
            kNodeStorageRemedy);
  EXPECT_EQ(remedy_for("The node had condition: [DiskPressure]. "), kNodeStorageRemedy);
  EXPECT_EQ(remedy_for("The node was low on resource: memory. Container main was using 2Gi"),
            kNodeMemoryRemedy);
  EXPECT_EQ(remedy_for("The node had condition: [MemoryPressure]. "), kNodeMemoryRemedy);
  EXPECT_EQ(remedy_for("Pod was active on the node longer than the specified deadline"),
            kTimeoutRemedy);
  EXPECT_EQ(remedy_for("Evicted: "), kEvictedRemedy);
  EXPECT_EQ(remedy_for("pod was evicted by node"), kEvictedRemedy);
  EXPECT_EQ(remedy_for("ImagePullBackOff: Back-off pulling image \"torii:0.1\""), kImageRemedy);
  EXPECT_EQ(remedy_for("Error (exit code 1)"), "");
  EXPECT_EQ(remedy_for(""), "");
}

}  // namespace
}  // namespace torii::pipeline
