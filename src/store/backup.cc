#include <algorithm>

#include "base/file.h"
#include "store/backup_file.h"

namespace torii::store {
namespace {

constexpr std::size_t kRecordsInMemory = 500;  // records that are in memory at once

Error changed(const Store& store, std::string_view tenant) {
  return make_error(ErrorCode::kIo,
                    "{}: publications of tenant '{}' were removed while they were read; take the "
                    "backup again",
                    store.shown(), tenant);
}

Result<void> write_publication(Store& store, const std::string& tenant, const Publication& info,
                               BackupWriter& writer) {
  TORII_TRY_VOID(writer.publication(info));
  for (const Result<void>& read :
       {store.read_items(tenant, info.version,
                         [&](const PublishedItem& item) { return writer.item(item); }),
        store.read_users(tenant, info.version,
                         [&](const PublishedUser& user) { return writer.user(user); })}) {
    if (read.ok()) continue;
    return read.error().code == ErrorCode::kNotFound ? changed(store, tenant) : read.error();
  }
  return writer.end_publication();
}

// State first: what is added after it is left out.
Result<void> write_tenant(Store& store, const std::string& tenant, BackupWriter& writer) {
  TORII_TRY(TenantState state, store.tenant_state(tenant));
  TORII_TRY(std::vector<Publication> all, store.publications(tenant));
  std::erase_if(all, [&](const Publication& info) { return info.version > state.last_version; });
  const bool there = std::any_of(all.begin(), all.end(), [&](const Publication& info) {
    return info.version == state.current;
  });
  if (state.current != 0 && !there) return changed(store, tenant);
  TORII_TRY_VOID(writer.tenant(tenant, state));
  std::reverse(all.begin(), all.end());
  for (const Publication& info : all) {
    TORII_TRY_VOID(write_publication(store, tenant, info, writer));
  }
  for (std::uint64_t after = 0; after < state.seq;) {
    TORII_TRY(const std::vector<Record> some, store.read_records(tenant, after, kRecordsInMemory));
    if (some.empty()) break;
    for (const Record& record : some) {
      after = record.seq;
      if (after > state.seq) break;
      TORII_TRY_VOID(writer.record(record));
    }
  }
  return {};
}

}  // namespace

Result<BackedUp> backup(Store& store, const std::string& file) {
  BackedUp done;
  const auto write = [&](const std::filesystem::path& temporary) -> Result<void> {
    TORII_TRY(BackupWriter writer, BackupWriter::create(temporary.string()));
    TORII_TRY(const std::vector<std::string> tenants, store.tenants());
    for (const std::string& tenant : tenants) {
      TORII_TRY_VOID(write_tenant(store, tenant, writer));
    }
    TORII_TRY(const std::vector<ApiKey> keys, store.keys());
    for (const ApiKey& key : keys) TORII_TRY_VOID(writer.key(key));
    TORII_TRY(done, writer.end());
    return {};
  };
  TORII_TRY_VOID(write_durably_with(file, write));
  return done;
}

Result<BackedUp> restore(Store& store, const std::string& file) {
  TORII_TRY(const MappedFile mapped, MappedFile::open(file));
  const std::string_view bytes(reinterpret_cast<const char*>(mapped.bytes().data()),
                               mapped.bytes().size());
  TORII_TRY_VOID(read_backup(bytes, file, {}));  // all of it, before anything is written
  TORII_TRY_VOID(store.begin_restore());
  std::string tenant;
  TenantState state;
  Publication info;
  std::unique_ptr<Draft> draft;
  const auto end_tenant = [&] {
    return tenant.empty() ? Result<void>() : store.restore_state(tenant, state);
  };
  BackupParts parts;
  parts.tenant = [&](const std::string& name, const TenantState& given) -> Result<void> {
    TORII_TRY_VOID(end_tenant());
    tenant = name;
    state = given;
    return {};
  };
  parts.publication = [&](const Publication& given) -> Result<void> {
    info = given;
    TORII_TRY(draft, store.begin_publication(tenant));
    return {};
  };
  parts.items = [&](const std::vector<PublishedItem>& items) { return draft->add_items(items); };
  parts.users = [&](const std::vector<PublishedUser>& users) { return draft->add_users(users); };
  parts.end_publication = [&]() -> Result<void> {
    TORII_TRY_VOID(draft->commit_as(info));
    draft = nullptr;
    return {};
  };
  parts.records = [&](const std::vector<Record>& records) {
    return store.restore_records(tenant, records);
  };
  parts.key = [&](const ApiKey& key) { return store.put_key(key); };
  TORII_TRY(const BackedUp done, read_backup(bytes, file, parts));
  TORII_TRY_VOID(end_tenant());
  TORII_TRY_VOID(store.end_restore());
  return done;
}

}  // namespace torii::store
