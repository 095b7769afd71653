/** The page's whole style. No attribute carries style, so that the policy can name it by hash. */
export const CSS: string = `
:root{color-scheme:light dark;--paper:#faf9f7;--card:#fff;--line:#e2e0dc;--soft:#f2f0ec;--ink:#1c1f23;--muted:#5a6169;
--critical:#b3261e;--critical-soft:#fbeae8;--warning:#8a5a00;--warning-soft:#fbf1dc;--info:#1c5fb8;--info-soft:#e8f0fb;
--good:#16703a;--good-soft:#e4f4ea;--bar:#3d5a80;--bar-hot:#b3541e;--track:#e9e6e1;--before:#c08a5a;--after:#2d8a57;
--mono:ui-monospace,SFMono-Regular,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace}
@media screen and (prefers-color-scheme:dark){:root{--paper:#111417;--card:#181c20;--line:#2c3238;--soft:#20252a;--ink:#e8eaed;
--muted:#a1aab4;--critical:#ff9d94;--critical-soft:#3a1f1d;--warning:#e8b95a;--warning-soft:#352a14;--info:#8fbdff;--info-soft:#1a2a40;
--good:#6fd598;--good-soft:#16301f;--bar:#7da3d4;--bar-hot:#e59a63;--track:#2a3036;--before:#c99a6c;--after:#55b883}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
.page{max-width:62rem;margin:0 auto;padding:2.5rem 1.5rem 4rem}
h1,h2,h3,h4,p,ul,ol,dl,dd,figure{margin:0}
ul,ol{padding:0;list-style:none}
a{color:inherit;text-decoration-color:var(--line);text-underline-offset:.2em}
a:hover{text-decoration-color:currentColor}
:focus-visible{outline:2px solid var(--info);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-100rem}.skip:focus{left:1rem;top:1rem;background:var(--card);padding:.5rem 1rem;z-index:1}
code,pre,.mono{font-family:var(--mono);font-size:.86em}
pre code{font-size:1em}
h3.mono{font-size:.95rem}
h1{font-size:2rem;line-height:1.2;letter-spacing:-.02em;overflow-wrap:anywhere}
h2{font-size:1.35rem;line-height:1.3;letter-spacing:-.01em;margin-top:3.5rem;padding-bottom:.5rem;border-bottom:1px solid var(--line)}
h3,h4{font-size:1.02rem;line-height:1.4;overflow-wrap:anywhere}
.lead{color:var(--muted);margin-top:.5rem;max-width:46rem}
.muted{color:var(--muted)}
.small{font-size:.86rem}
header.top{display:grid;grid-template-columns:1fr auto;gap:1rem 2.5rem;align-items:center}
header.top .facts{color:var(--muted);margin-top:.35rem}
.eyebrow{color:var(--muted);font-size:.86rem;margin-bottom:.35rem}
.ring{width:9.5rem;height:9.5rem;display:block}
.ring circle{fill:none;stroke-width:9}
.ring .track{stroke:var(--track)}
.ring .value{stroke-linecap:round}
.ring.healthy .value{stroke:var(--good)}.ring.degraded .value{stroke:var(--warning)}.ring.critical .value{stroke:var(--critical)}
.ring text{fill:var(--ink);font-family:system-ui,sans-serif}
.ring .number{font-size:36px;font-weight:650;letter-spacing:-1px}
.ring .word{font-size:12px;fill:var(--muted)}
.summary{grid-column:1/-1;font-size:1.08rem;max-width:48rem}
.deductions{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,19rem),1fr));gap:.35rem 1.5rem;margin-top:1.5rem;padding:1rem 1.25rem;background:var(--soft);border-radius:10px}
.deductions li{display:grid;grid-template-columns:2.6rem minmax(0,1fr);overflow-wrap:anywhere;font-size:.92rem}
.deductions b{font-variant-numeric:tabular-nums;font-weight:600}
nav{margin-top:1.5rem;display:flex;flex-wrap:wrap;gap:.4rem 1.4rem;font-size:.92rem}
nav span{color:var(--muted)}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1.25rem 1.4rem;margin-top:1.1rem;break-inside:avoid-page}
.card>header{display:flex;flex-wrap:wrap;gap:.35rem .7rem;align-items:baseline}
.card>header h3{margin-right:auto}
.card p{margin-top:.5rem}
.chip{display:inline-block;border-radius:99px;padding:.08rem .6rem;font-size:.78rem;font-weight:550;background:var(--soft);color:var(--muted);white-space:nowrap}
.chip.critical{background:var(--critical-soft);color:var(--critical)}
.chip.warning{background:var(--warning-soft);color:var(--warning)}
.chip.info,.chip.high{background:var(--info-soft);color:var(--info)}
.chip.good{background:var(--good-soft);color:var(--good)}
.sql{position:relative;margin-top:.8rem}
.sql pre{margin:0;padding:.75rem .9rem;background:var(--soft);border-radius:8px;white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.5}
.sql .copy+pre{padding-right:4.6rem}
.copy{position:absolute;top:.4rem;right:.4rem;font:500 .78rem/1 system-ui,sans-serif;padding:.4rem .6rem;border:1px solid var(--line);border-radius:6px;background:var(--card);color:var(--muted);cursor:pointer}
.copy:hover{color:var(--ink)}
.gains{margin-top:1rem;display:grid;gap:.9rem}
.gain{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,15rem);gap:.1rem 1.5rem;align-items:center}
.gain .statement{overflow-wrap:anywhere;display:-webkit-box;-webkit-line-clamp:2;-webkit-box-orient:vertical;overflow:hidden}
.gain .numbers{font-variant-numeric:tabular-nums;white-space:nowrap}
.gain .numbers b{color:var(--good);font-weight:600}
svg.costs,svg.bar{display:block;width:100%}
.costs .before{fill:var(--before)}.costs .after{fill:var(--after)}
.bar .track{fill:var(--track)}.bar .value{fill:var(--bar)}.bar.hot .value{fill:var(--bar-hot)}
.facts-row{display:flex;flex-wrap:wrap;gap:.3rem 1.8rem;margin-top:1rem;font-size:.92rem}
.facts-row div{display:flex;gap:.45rem;min-width:0}
.facts-row dt{color:var(--muted)}
.facts-row dd{font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;margin-top:.6rem;color:var(--muted);font-size:.86rem}
.legend i{display:inline-block;width:.9rem;height:.5rem;border-radius:2px;margin-right:.4rem}
.legend .b{background:var(--before)}.legend .a{background:var(--after)}
details{margin-top:.8rem}
summary{cursor:pointer;color:var(--muted);font-size:.92rem}
summary:hover{color:var(--ink)}
.note{color:var(--muted);font-size:.92rem}
.finding{border-left:3px solid var(--line)}
.finding.critical{border-left-color:var(--critical)}.finding.warning{border-left-color:var(--warning)}.finding.info{border-left-color:var(--info)}
.group{margin-top:2rem;font-size:.95rem;color:var(--muted);font-weight:600}
.times{margin-top:1.2rem;display:grid;gap:1rem}
.times li{display:grid;grid-template-columns:3.6rem minmax(0,1fr);gap:0 .8rem;scroll-margin-top:1rem}
.times .share{font-weight:600;font-variant-numeric:tabular-nums;text-align:right}
.times code{overflow-wrap:anywhere;display:block;margin-top:.3rem}
.times .small{margin-top:.1rem}
table{width:100%;border-collapse:collapse;margin-top:.9rem;font-size:.9rem}
caption{text-align:left;color:var(--muted);padding-bottom:.4rem}
th{text-align:right;font-weight:550;color:var(--muted);white-space:nowrap}
td{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;vertical-align:top}
th,td{padding:.4rem 0 .4rem 1.1rem;border-top:1px solid var(--line)}
thead th{border-top:0}
th.text,td.text{text-align:left;white-space:normal;overflow-wrap:anywhere;padding-left:0}
td.slow{color:var(--critical);font-weight:600}
.coverage{display:grid;gap:.8rem;margin-top:1.2rem}
.coverage li{display:grid;grid-template-columns:4.2rem minmax(0,1fr);gap:0 .8rem}
.coverage b{text-align:right;font-variant-numeric:tabular-nums;font-weight:600}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:.8rem;margin-top:1.2rem}
.figures div{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.8rem 1rem}
.figures dt{color:var(--muted);font-size:.86rem}
.figures dd:nth-of-type(1){font-size:1.25rem;font-weight:600;font-variant-numeric:tabular-nums}
.figures .off dd:nth-of-type(1){color:var(--warning)}
.method{margin-top:1rem;display:grid;gap:.5rem;max-width:48rem}
.plan{overflow-x:auto}
.plan-card{margin-top:1.1rem}.plan-card>summary{color:var(--ink);overflow-wrap:anywhere}
footer{margin-top:3.5rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--muted);font-size:.86rem}
@media (max-width:42rem){
.page{padding:1.5rem 1rem 3rem}h1{font-size:1.6rem}
header.top{grid-template-columns:1fr}.ring{width:8rem;height:8rem}
.card{padding:1rem}
.gain{grid-template-columns:1fr}
thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
tr{display:grid;grid-template-columns:1fr 1fr;gap:.1rem 1rem;border-top:1px solid var(--line);padding:.6rem 0}
th,td{border:0;padding:0}
td{display:flex;justify-content:space-between;gap:.6rem}
td::before{content:attr(data-label);color:var(--muted);font-weight:400}
td.text{grid-column:1/-1;display:block}td.text::before{content:none}
}
@media print{
body{background:#fff;font-size:11pt}.page{max-width:none;padding:0}
nav,.copy,.skip{display:none}
.card{border-color:#bbb}
.gain .statement{-webkit-line-clamp:none;display:block}
details::details-content{content-visibility:visible;display:block}
h2{break-after:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
`;

/** Copies SQL. Without it the buttons stay hidden and nothing else is missing. */
export const SCRIPT: string = `
for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = button.parentElement.querySelector("pre").textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      const range = document.createRange();
      range.selectNodeContents(button.parentElement.querySelector("pre"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}
`;
