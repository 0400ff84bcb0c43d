#include "server/workers.h"

namespace torii::server {
namespace {

constexpr std::size_t kJoinedMax = 32;  // lists in one pass: enough to share it, no long wait

}  // namespace

class Workers::Own final : public Worker {
 public:
  explicit Own(const OpenStore& open_store) : open_store_(open_store) {}

  recommend::Shop::Workspace& workspace(const std::shared_ptr<Tenant>& of) override {
    const auto found = workspaces_.find(of.get());
    if (found != workspaces_.end()) return *found->second.second;
    // One of the same name was there before the store was read anew.
    std::erase_if(workspaces_,
                  [&](const auto& entry) { return entry.second.first->name() == of->name(); });
    auto made = of->shop().make_workspace();
    return *workspaces_.emplace(of.get(), std::pair(of, std::move(made))).first->second.second;
  }

  Result<store::Store*> store() override {
    if (!store_) {
      TORII_TRY(store_, open_store_());
    }
    return store_.get();
  }

 private:
  using Workspace = decltype(std::declval<const recommend::Shop&>().make_workspace());
  const OpenStore& open_store_;
  std::map<Tenant*, std::pair<std::shared_ptr<Tenant>, Workspace>> workspaces_;
  std::unique_ptr<store::Store> store_;
};

Workers::Workers(int threads, std::size_t queue_max, OpenStore open_store)
    : queue_max_(queue_max), open_store_(std::move(open_store)) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

Workers::~Workers() {
  stop();
}

void Workers::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

bool Workers::submit(std::unique_ptr<ListJob>& job) {
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_ || queue_.size() >= queue_max_) {
      ++refused_;
      return false;
    }
    queue_.push_back({std::move(job), {}});
  }
  wake_.notify_one();
  return true;
}

bool Workers::push(Job job) {
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_ || queue_.size() >= queue_max_) {
      ++refused_;
      return false;
    }
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

Workers::Counts Workers::counts() const {
  const std::scoped_lock lock(mutex_);
  return {queue_.size(), passes_, lists_, refused_};
}

void Workers::run() {
  Own worker(open_store_);
  std::vector<std::unique_ptr<ListJob>> lists;
  while (true) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      job = std::move(queue_.front());
      queue_.pop_front();
      if (job.list) {
        const Tenant* tenant = job.list->tenant().get();
        lists.push_back(std::move(job.list));
        for (auto it = queue_.begin(); it != queue_.end() && lists.size() < kJoinedMax;) {
          if (it->list && it->list->tenant().get() == tenant) {
            lists.push_back(std::move(it->list));
            it = queue_.erase(it);
          } else {
            ++it;
          }
        }
        ++passes_;
        lists_ += lists.size();
      }
    }
    if (lists.empty()) {
      job.work(worker);
    } else {
      search(lists, worker);
      lists.clear();
    }
  }
}

void Workers::search(std::vector<std::unique_ptr<ListJob>>& jobs, Worker& worker) {
  const std::shared_ptr<Tenant>& tenant = jobs.front()->tenant();
  const recommend::Shop& shop = tenant->shop();
  recommend::Shop::Workspace& workspace = worker.workspace(tenant);
  if (jobs.size() == 1) {
    recommend::ShopAnswer answer;
    Result<void> outcome = shop.recommend(jobs.front()->request(), workspace, answer);
    if (outcome.ok()) {
      jobs.front()->done(std::move(answer));
    } else {
      jobs.front()->done(std::move(outcome).error());
    }
    return;
  }
  std::vector<recommend::ShopRequest> requests;
  std::vector<Result<recommend::ShopAnswer>> answers;
  for (const auto& job : jobs) {
    requests.push_back(job->request());
    answers.emplace_back(Error{ErrorCode::kInternal, "not answered"});
  }
  shop.recommend_together(requests, workspace, answers);
  for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i]->done(std::move(answers[i]));
}

}  // namespace torii::server
