#include "report/style.h"

#include <string_view>

namespace torii::report {
namespace {

// One accent for what is judged; everything beside it is grey. The colours of categories keep apart
// for people who see few colours (after Paul Tol's "muted" scheme), on light and on dark. Text has
// a contrast of at least 4.5 to 1 to its ground.
constexpr std::string_view kLight = R"css(
--bg:#faf9f7;--card:#fff;--ink:#1f1c1a;--soft:#5d5751;--line:#e4dfd8;--accent:#b1361a;--accent-soft:#f6e4de;
--o0:#38434f;--o1:#6f7b88;--o2:#8d98a4;--o3:#505a66;--o4:#7d7468;--o5:#3f5a5a;
--p0:#5b1d0e;--p1:#b1361a;--p2:#e08b73;--p3:#d9d3cb;
--c0:#332288;--c1:#2b83c6;--c2:#117733;--c3:#aa3d8f;--c4:#b8860b;--c5:#c14c55;--c6:#2a9d8f;--c7:#6b6b1f;--cn:#b9b2a9
)css";

constexpr std::string_view kDark = R"css(
--bg:#151312;--card:#1d1a18;--ink:#ece7e1;--soft:#aaa299;--line:#38322d;
--accent:#ff8e6a;--accent-soft:#3b231b;--o0:#cdd5de;--o1:#93a0ad;--o2:#77838f;--o3:#b3bcc6;--o4:#a89d8e;--o5:#8fb0ad;
--p0:#ffc2ad;--p1:#ff8e6a;--p2:#a04e35;--p3:#443d37;
--c0:#9d8cff;--c1:#5fb4f0;--c2:#4fb878;--c3:#e07fcb;--c4:#e0b23e;--c5:#ff8b8f;--c6:#4fd3c4;--c7:#b9ba5e;--cn:#5f5851
)css";

constexpr std::string_view kRules = R"css(
*{box-sizing:border-box}
html{color-scheme:light dark;-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;
font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
a{color:var(--accent)}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.4rem .8rem;z-index:2}
header,.page,footer{max-width:74rem;margin:0 auto;padding:0 1.5rem}
.brand{display:flex;align-items:center;gap:.55rem;margin:1.6rem 0 0;font-weight:650;letter-spacing:.01em}
.brand span{font-weight:400;color:var(--soft)}
.gate{width:1.5rem;height:1.4rem;fill:var(--accent)}
nav{font-size:.9rem}
nav ul{list-style:none;margin:1rem 0 0;padding:0;display:flex;flex-wrap:wrap;gap:.1rem 1.1rem}
nav a{display:inline-block;padding:.25rem 0;color:var(--soft);text-decoration:none}
nav a:hover{color:var(--accent);text-decoration:underline}
main{min-width:0}
section{margin:0 0 3.5rem}
h1{font-size:.95rem;font-weight:600;margin:2.2rem 0 0;color:var(--soft)}
.under{margin:0;color:var(--soft);font-size:.9rem}
h2{font-size:1.45rem;line-height:1.25;letter-spacing:-.01em;margin:0 0 .6rem;padding-top:1.3rem;border-top:1px solid var(--line)}
h3{font-size:1.05rem;margin:1.6rem 0 .3rem}
h4{font-size:.9rem;margin:.2rem 0 .4rem}h4 span{font-weight:400;color:var(--soft);margin-left:.35rem}
p{margin:.5rem 0 1rem;max-width:46rem}
.verdict{font-size:clamp(1.7rem,1.2rem + 2.2vw,2.6rem);line-height:1.15;letter-spacing:-.02em;font-weight:700;margin:.7rem 0 .8rem;max-width:42rem;text-wrap:balance}
.lead{font-size:1.06rem}
.note{font-size:.88rem;color:var(--soft)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(12.5rem,1fr));gap:.8rem;margin:1.4rem 0 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.85rem 1rem .9rem;display:flex;flex-direction:column-reverse;justify-content:flex-end}
.tile dt{font-weight:600;font-size:.92rem;order:1}
.tile dd{margin:0;display:contents}
.tile b{font-size:1.75rem;line-height:1.2;letter-spacing:-.02em;order:2}
.tile:first-child b{color:var(--accent)}
.tile span{font-size:.82rem;line-height:1.4;color:var(--soft);order:0;margin-top:.25rem}
.panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,18.5rem),1fr));gap:.9rem;margin:1.1rem 0}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,21rem),1fr));gap:1rem 1.6rem;margin:1.1rem 0;align-items:start}
.pair.map{grid-template-columns:minmax(0,1.35fr) minmax(0,1fr)}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.8rem .9rem .7rem;min-width:0}
figcaption{font-size:.85rem;line-height:1.4;color:var(--soft);margin-bottom:.5rem}figcaption b{color:var(--ink);font-size:.95rem;margin-right:.3rem}
.chart{display:block;width:100%;height:auto;overflow:visible}
.chart text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;fill:var(--soft);font-variant-numeric:tabular-nums}
.chart .tick,.chart .label{font-size:12px}
.chart .name.subject,.chart .number.subject{fill:var(--ink);font-weight:650}
.grid{stroke:var(--line)}.axis{stroke:var(--soft)}
.mark{stroke:var(--soft);stroke-dasharray:3 3}.chart .marked{fill:var(--ink);font-weight:600}
.line{fill:none;stroke-width:1.8;stroke-linejoin:round}
.line.subject{stroke:var(--accent);stroke-width:2.6}
.line.other0{stroke:var(--o0)}.line.other1{stroke:var(--o1);stroke-dasharray:7 3}.line.other2{stroke:var(--o2);stroke-dasharray:2 3}
.line.other3{stroke:var(--o3);stroke-dasharray:9 3 2 3}.line.other4{stroke:var(--o4);stroke-dasharray:1 4}.line.other5{stroke:var(--o5);stroke-dasharray:12 4}
.dot.subject{fill:var(--accent)}.dot:hover,.value:hover,.map circle:hover{stroke:var(--ink);stroke-width:2}
.stem{stroke:var(--line);stroke-width:5;stroke-linecap:round}.stem.subject{stroke:var(--accent-soft)}
.whisker{stroke:var(--o1);stroke-width:2}.whisker.subject{stroke:var(--accent)}
.value{fill:var(--o0)}.value.subject{fill:var(--accent)}
.part0,.swatch.part0{fill:var(--p0);background:var(--p0)}.part1,.swatch.part1{fill:var(--p1);background:var(--p1)}
.part2,.swatch.part2{fill:var(--p2);background:var(--p2)}.part3,.swatch.part3{fill:var(--p3);background:var(--p3)}
.legend{list-style:none;margin:.5rem 0 0;padding:0;display:flex;flex-wrap:wrap;gap:.15rem 1rem;font-size:.83rem;color:var(--soft)}
.legend li{display:flex;align-items:center;gap:.4rem}
.key{width:1.6rem;height:.5rem}
.named{white-space:nowrap}.pair.map th,.pair.map td{padding-right:.7rem}.pair.map table{min-width:0}
.swatch{display:inline-block;width:.75rem;height:.75rem;border-radius:3px;margin-right:.45rem;vertical-align:-.05rem;flex:none}
.map circle{fill-opacity:.82;stroke:var(--card);stroke-width:.5}
.map .c-none circle{fill-opacity:.55}
.c0{fill:var(--c0)}.c1{fill:var(--c1)}.c2{fill:var(--c2)}.c3{fill:var(--c3)}.c4{fill:var(--c4)}.c5{fill:var(--c5)}.c6{fill:var(--c6)}.c7{fill:var(--c7)}.c-none{fill:var(--cn)}
.swatch.c0{background:var(--c0)}.swatch.c1{background:var(--c1)}.swatch.c2{background:var(--c2)}.swatch.c3{background:var(--c3)}
.swatch.c4{background:var(--c4)}.swatch.c5{background:var(--c5)}.swatch.c6{background:var(--c6)}.swatch.c7{background:var(--c7)}.swatch.c-none{background:var(--cn)}
.chart .place{font-size:15px;font-weight:700;fill:var(--ink);paint-order:stroke;stroke:var(--card);stroke-width:4.5px;stroke-linejoin:round;pointer-events:none}
.scroll{overflow-x:auto;margin:.8rem 0 1rem}
table{border-collapse:collapse;font-size:.88rem;min-width:min(100%,24rem)}
caption{text-align:left;font-size:.83rem;color:var(--soft);padding:0 0 .35rem}
th,td{text-align:left;padding:.34rem 1rem .34rem 0;border-bottom:1px solid var(--line);vertical-align:baseline;overflow-wrap:normal}
thead th{color:var(--soft);font-weight:600;white-space:nowrap}
tbody th{font-weight:500;min-width:6.2rem}
td:not(.n){min-width:7.5rem}.n{text-align:right;white-space:nowrap}
tr.main th,tr.main td{font-weight:650;color:var(--accent)}
tr.quiet th,tr.quiet td{color:var(--soft);font-weight:400}
.segment .scroll{margin:0}.segment th,.segment td{padding-right:.65rem}.segment tbody th{min-width:4.5rem}.segment table{min-width:0}
.verdict span{display:inline-block}
.what{display:block;min-width:10.5rem;font-size:.92em;font-weight:400;color:var(--soft)}
details{margin:.6rem 0}
summary{cursor:pointer;font-size:.92rem;font-weight:600;padding:.3rem 0}
.badge{font-size:.78rem;background:var(--accent-soft);color:var(--accent);border-radius:4px;padding:.05rem .4rem}
.facts{margin:.6rem 0 1.2rem;font-size:.92rem}
.facts div{display:grid;grid-template-columns:minmax(8rem,14rem) minmax(0,1fr);gap:0 1rem;padding:.3rem 0;border-bottom:1px solid var(--line)}
.facts dt{color:var(--soft)}.facts dd{margin:0}
code{font:.92em ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace}
.person{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.9rem 1.1rem 1rem;margin:0 0 1rem}
.person h3{margin:0}.who{margin:.1rem 0 .2rem;font-size:.88rem;color:var(--soft);max-width:none}
.person .pair{margin:.7rem 0 0}.person .note{margin:.6rem 0 0}
.role{display:inline-block;font-size:.8rem;font-weight:650;background:var(--accent-soft);color:var(--accent);border-radius:5px;padding:.05rem .5rem;margin-right:.4rem}
.items{margin:0;padding:0 0 0 1.7rem;font-size:.9rem}
.items.plain{list-style:none;padding-left:0}
.items li{padding:.16rem 0;position:relative}
.items li::marker{color:var(--soft);font-size:.85em}
.items:not(.plain) li{padding-right:4rem}
.hit{font-weight:650}.tick{color:var(--accent);margin-right:.35rem}
.score{position:absolute;right:0;top:.16rem;color:var(--soft);font-weight:400}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
footer{border-top:1px solid var(--line);color:var(--soft);font-size:.85rem;padding-bottom:2rem}
@media (min-width:64rem){.page{display:grid;grid-template-columns:11rem minmax(0,1fr);gap:3rem}
nav ul{position:sticky;top:1.5rem;flex-direction:column;gap:.15rem;margin-top:2.2rem}}
@media (max-width:52rem){.pair.map{grid-template-columns:minmax(0,1fr)}}
@media (max-width:34rem){header,.page,footer{padding:0 1rem}.chart text{font-size:16px}.chart .tick,.chart .label{font-size:15px}
.panel text,.panel .tick{font-size:13px}.map .place{font-size:22px}.facts div{grid-template-columns:minmax(0,1fr)}
.pair.map table,.segment table{font-size:.83rem}.pair.map th,.pair.map td,.segment th,.segment td{padding-right:.45rem}.pair.map tbody th{min-width:0}.segment tbody th{min-width:4.2rem}
.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}.tile{padding:.7rem .8rem}.tile b{font-size:1.45rem}}
@media print{@page{margin:14mm 13mm}
html{color-scheme:light}body{font-size:10.5pt}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
.page{display:block}nav,.skip{display:none}header,.page,footer{padding:0;max-width:none}
section{margin:0 0 1.6rem}h1{margin-top:1rem}h2,h3,h4,figcaption,caption{break-after:avoid}
figure,.person,tr,.tile,.tiles{break-inside:avoid}.scroll{overflow:visible}
table{font-size:8.2pt}th,td{padding-right:.55rem}.panels{grid-template-columns:repeat(3,1fr)}.tiles{grid-template-columns:repeat(4,1fr)}
.pair{grid-template-columns:repeat(2,minmax(0,1fr))}.pair.map{grid-template-columns:minmax(0,1.35fr) minmax(0,1fr)}
details::details-content{content-visibility:visible;block-size:auto;display:block}details summary{list-style:none}
p{break-inside:avoid}details,.scroll{break-inside:avoid}details th,details td{padding-top:.12rem;padding-bottom:.12rem}
.pair.map table{font-size:7.4pt}.pair.map th,.pair.map td{padding-right:.4rem}.pair.map tbody th{min-width:0}
.items{font-size:8.4pt;line-height:1.4}.items li{padding:.03rem 0}.score{top:.03rem}.person{padding:.5rem .8rem .6rem;margin-bottom:.7rem}
.person .pair{break-inside:avoid}section>h2+p,section>h3+p{break-after:avoid}h1{margin-top:.6rem}}
)css";

}  // namespace

std::string style_sheet() {
  std::string css = ":root{";
  css += kLight;
  css += "}\n@media (prefers-color-scheme:dark){:root{";
  css += kDark;
  css += "}}\n@media print{:root{";
  css += kLight;
  css += ";--bg:#fff}}";
  css += kRules;
  return css;
}

}  // namespace torii::report
