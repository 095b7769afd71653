/**
 * The style of {@link planTreeHtml}. It takes the colours of the page that it is in by their custom
 * properties, and has its own where there are none.
 */
export const PLAN_TREE_CSS: string = `
.plan-tree{--plan-ink:var(--ink,#1c1f23);--plan-muted:var(--muted,#5a6169);--plan-line:var(--line,#d8d5d0);--plan-soft:var(--soft,#f2f0ec);
--plan-bar:var(--bar,#3d5a80);--plan-warm:var(--bar-hot,#b3541e);--plan-track:var(--track,#e9e6e1);--plan-warning:var(--warning,#8a5a00);--plan-critical:var(--critical,#b3261e);--plan-info:var(--info,#1c5fb8);
color:var(--plan-ink);font-size:.92rem;line-height:1.45;font-variant-numeric:tabular-nums;margin-top:1rem}
.plan-tree ul{list-style:none;margin:0;padding:0}
.plan-tree .plan-node ul:not(.plan-findings){padding-left:.9rem;margin-left:.42rem;border-left:1px solid var(--plan-line)}
.plan-tree .plan-total{margin:0 0 .5rem;font-weight:600;display:flex;flex-wrap:wrap;gap:.1rem 1rem;justify-content:space-between}
.plan-tree .plan-key{color:var(--plan-muted);font-weight:400}
.plan-tree details{margin:0}
.plan-tree summary{display:grid;grid-template-columns:auto minmax(0,1fr) auto;gap:0 .5rem;align-items:baseline;padding:.22rem .4rem;border-radius:6px;cursor:pointer;color:inherit;font-size:inherit;list-style:none}
.plan-tree summary::-webkit-details-marker{display:none}
.plan-tree summary::before{content:"▾";color:var(--plan-muted);width:.8rem}
.plan-tree details:not([open])>summary::before{content:"▸"}
.plan-tree summary:hover{background:var(--plan-soft);color:inherit}
.plan-tree .plan-name{overflow-wrap:anywhere}
.plan-tree .plan-figures{display:grid;grid-template-columns:4.6rem 5rem 3.6rem 15.5rem;gap:0 .6rem;align-items:center;text-align:right}
.plan-tree .plan-bar{width:100%;height:.5rem;display:block}
.plan-tree .plan-track{fill:var(--plan-track)}
.plan-tree .plan-value{fill:var(--plan-bar)}
.plan-tree .plan-hot>details>summary .plan-value{fill:var(--plan-warm)}
.plan-tree .plan-hot>details>summary .plan-name b{color:var(--plan-warm)}
.plan-tree .plan-hot>details>summary::before{color:var(--plan-warm)}
.plan-tree .plan-node:has(>details>ul>.plan-hot)>details>ul{border-left-color:var(--plan-warm)}
.plan-tree .plan-rows{text-align:left;color:var(--plan-muted)}
.plan-tree .plan-off{color:var(--plan-warning);font-weight:600}
.plan-tree .plan-unrun>details>summary{color:var(--plan-muted)}
.plan-tree .plan-findings{padding:.1rem 0 .1rem 1.7rem}
.plan-tree .plan-findings li{border-left:3px solid var(--plan-line);padding:0 .6rem;margin:.15rem 0;overflow-wrap:anywhere}
.plan-tree .plan-warning{border-left-color:var(--plan-warning)!important}.plan-tree .plan-warning b{color:var(--plan-warning)}
.plan-tree .plan-critical{border-left-color:var(--plan-critical)!important}.plan-tree .plan-critical b{color:var(--plan-critical)}
.plan-tree .plan-info{border-left-color:var(--plan-info)!important}.plan-tree .plan-info b{color:var(--plan-info)}
.plan-tree .plan-details{margin:0 0 .25rem;padding-left:1.7rem;color:var(--plan-muted);font-size:.86rem}
.plan-tree .plan-details div{display:flex;flex-wrap:wrap;gap:0 .5rem}
.plan-tree .plan-details dt{white-space:nowrap}
.plan-tree .plan-details dd{margin:0;overflow-wrap:anywhere;font-family:var(--mono,ui-monospace,Menlo,Consolas,monospace);font-size:.95em}
.plan-tree .plan-more{color:var(--plan-muted)}
@media (max-width:56rem){
.plan-tree summary{grid-template-columns:auto minmax(0,1fr)}
.plan-tree .plan-figures{grid-column:2;grid-template-columns:auto minmax(2rem,5rem) auto minmax(0,1fr);text-align:left}
.plan-tree .plan-node ul:not(.plan-findings){padding-left:.4rem}
}
@media (max-width:34rem){
.plan-tree .plan-figures{grid-template-columns:auto minmax(2rem,5rem) 1fr}
.plan-tree .plan-rows{grid-column:1/-1}
}
@media print{.plan-tree summary::before{content:""}}
`;
