#include "base/html_text.h"

#include <gtest/gtest.h>

namespace torii {
namespace {

TEST(HtmlText, IsNoMarkupAnyMore) {
  EXPECT_EQ(html_text("<a href=\"x\" id='y'>&amp;</a>"),
            "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;");
  EXPECT_EQ(html_text("Käse, 50 %"), "Käse, 50 %");
  EXPECT_EQ(html_text(""), "");
}

}  // namespace
}  // namespace torii
