#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/argo.h"
#include "pipeline/cluster_api.h"

namespace torii::pipeline {

/// What became of a run, as far as it is known now.
struct RunState {
  enum class Phase { kPending, kRunning, kSucceeded, kFailed, kCancelled };
  Phase phase = Phase::kPending;
  std::string word;  ///< the server's own: "SUCCEEDED"
  struct TaskState {
    std::string name;
    std::string word;
    std::string message = {};  ///< why it failed or waits, with a remedy where there is one
    bool is_stuck = false;     ///< it waits for what will not come by itself, such as its image
    friend bool operator==(const TaskState&, const TaskState&) = default;
  };
  std::vector<TaskState> tasks = {};
  /// A task failed because a check said no (exit 3), such as the gate.
  bool refused = false;
};

/// What was started.
struct Submitted {
  std::string pipeline_id = {};  ///< KFP
  std::string version_id = {};   ///< KFP
  std::string experiment_id = {};
  std::string run_id;      ///< KFP: an id; Argo: the workflow's name
  bool recurring = false;  ///< it is the schedule that was set up, and no run yet
  /// KFP: recurring runs whose place it took; they are disabled now.
  std::vector<std::string> replaced = {};
  std::string link = {};  ///< for people
};

/// The pipeline server of Kubeflow, API v2beta1.
struct KfpSubmission {
  std::string pipeline_name;
  std::string description = {};
  std::string version_name;  ///< of this upload: unique among the pipeline's
  std::string ir;            ///< the file
  std::string experiment = "torii";
  std::string run_name;
  std::string namespace_name = {};  ///< of a multi-user installation; empty: none
  std::string service_account = {};
  std::string pipeline_root = {};         ///< where artifacts go; empty: the server's
  Json arguments = Json::object();        ///< values of the open parameters
  std::optional<Schedule> schedule = {};  ///< a recurring run instead of a run
};
/// Uploads the pipeline, or a version of it if the server has one of that name; finds or creates
/// the experiment; starts the run. A recurring run takes the place of those of the same name,
/// pipeline and experiment.
[[nodiscard]] Result<Submitted> submit_kfp(ClusterApi& api, const KfpSubmission& submission);
[[nodiscard]] Result<RunState> kfp_run_state(ClusterApi& api, const std::string& run_id);

/// kKubernetes: the API server of the cluster; kArgoServer: Argo's own.
enum class ArgoVia { kKubernetes, kArgoServer };
/// Creates the workflow, or creates or replaces the template (and what starts it by the clock).
[[nodiscard]] Result<Submitted> submit_argo(ClusterApi& api, ArgoVia via,
                                            const std::string& namespace_name,
                                            const Compiled& compiled);
[[nodiscard]] Result<RunState> argo_run_state(ClusterApi& api, ArgoVia via,
                                              const std::string& namespace_name,
                                              const std::string& workflow);

/// The task as the server describes it: `message` gets its remedy, `is_stuck` is settled.
[[nodiscard]] RunState::TaskState with_remedy(RunState::TaskState task);

/// How long a task may wait without a word of the server before the reporter warns of it.
inline constexpr double kSilenceMaxS = 120;
/// Asks for the state until the run has ended, and tells the reporter of each task that changed; of
/// one that is stuck, or waits for longer than `silence_max_s`, it warns once. `pause` waits for a
/// moment; false: stop asking (kCancelled, naming what is stuck; the run goes on).
[[nodiscard]] Result<RunState> follow_run(const std::function<Result<RunState>()>& state,
                                          const std::function<bool()>& pause, Reporter& reporter,
                                          double silence_max_s = kSilenceMaxS);

}  // namespace torii::pipeline
