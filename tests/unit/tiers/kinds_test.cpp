// docs/kinds.md is what the chains answer. TALENT_KINDS_UPDATE=1 writes it anew.

#include <cstdlib>

#include "base/file.h"
#include "kinds_lives.h"

namespace talent::tiers {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::size_t kMaxKindsFile = 1u << 20;

KindsTable PrivateTable() {
  KindsLife without_key("centre-a", {{"custodian", "centre-a"},
                                     {"another centre", "centre-b"},
                                     {"centre named in the consent", "centre-c"},
                                     {"enterprise concerned", "acme"},
                                     {"another enterprise", "initech"},
                                     {"suspended custodian", "centre-a", "centre-a"},
                                     {"suspended enterprise", "acme", "acme"},
                                     {"not registered", "nobody"}});
  KindsLife with_key("li", {{"custodian, the person having a key", "centre-a"},
                            {"the person, by its key", "li"},
                            {"another person", "wang"}});
  without_key.table().Join(with_key.table());
  return without_key.table();
}

constexpr std::string_view kKindsHead =
    R"(# Who may submit what

Every kind of transaction of every tier, by who submits it: what the chain's own rules answer to a transaction that is right
but for its author. Made by `tests/unit/tiers/kinds_test.cpp`, which compares; after a change of the rules write it anew:

```sh
TALENT_KINDS_UPDATE=1 build/dev/tests/unit/tiers/talent_tiers_tests --gtest_filter='Kinds.*'
```

✓ accepted; – refused as `UNAUTHORIZED`; else the code it is refused with. A suspended party is one by vote just before.
What else a rule asks for, and what it answers where that is wrong: [domain.md](domain.md) and the tests of its rule file.
)";

TEST(Kinds, AreAnsweredAsTheirTableSays) {
  const KindsTable private_table = PrivateTable();
  const KindsTable consortium_table = KindsNetwork().ConsortiumTable();
  const KindsTable public_table = KindsNetwork().PublicTable();
  for (const KindsTable* const table : {&private_table, &consortium_table, &public_table}) {
    EXPECT_THAT(table->Missing(), IsEmpty()) << "kinds without a line: add one above";
  }
  EXPECT_THAT(private_table.RefusedToAll(), ElementsAre("AbilityAssessed")) << "erased";
  EXPECT_THAT(consortium_table.RefusedToAll(), IsEmpty());
  EXPECT_THAT(public_table.RefusedToAll(), ElementsAre("PolicyProposed")) << "has no policy";
  const std::string text = fmt::format(
      "{}\n## Private chain 私有链\n\n{}\n## Consortium chain 联盟链\n\n{}\n## Public chain "
      "公有链\n\n{}",
      kKindsHead, private_table.Text(), consortium_table.Text(), public_table.Text());
  if (std::getenv("TALENT_KINDS_UPDATE") != nullptr) {
    ASSERT_TRUE(WriteFile(TALENT_KINDS, text, 0644, IfExists::kReplace));
  }
  EXPECT_EQ(ReadFile(TALENT_KINDS, kMaxKindsFile).value_or(""), text)
      << "TALENT_KINDS_UPDATE=1 writes it anew";
}

}  // namespace
}  // namespace talent::tiers
