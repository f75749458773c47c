/** The page's whole style. Colours are chosen for 4.5:1 on their ground at least, in light and in dark. */
export const cardPageCss = String.raw`
:root{color-scheme:light dark;
--ground:#f4f5f8;--sheet:#fff;--ink:#14171f;--quiet:#505869;--line:#dfe3ea;--accent:#3538cd;--on-accent:#fff;
--good-bg:#e3f6ea;--good:#0b5a33;--calm-bg:#e6ebfa;--calm:#28408f;--warn-bg:#fdf0d5;--warn:#6f4300;--bad-bg:#fde8e7;--bad:#96201b}
@media (prefers-color-scheme:dark){:root{
--ground:#0e1016;--sheet:#181b23;--ink:#f2f4f8;--quiet:#aeb6c4;--line:#2d323e;--accent:#a4b1ff;--on-accent:#0e1340;
--good-bg:#103022;--good:#82e0ae;--calm-bg:#1d2646;--calm:#b3c2ff;--warn-bg:#372708;--warn:#f6cd7d;--bad-bg:#3d1715;--bad:#ffb3ad}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main,footer{max-width:28rem;margin:0 auto;padding:0 1rem}
main{padding-top:1.5rem;overflow-wrap:break-word}
h1,h2,p,ul,ol,dl,dd{margin:0}
h1{font-size:1.5rem;line-height:1.25;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:1rem;line-height:1.4}
p+p{margin-top:.5rem}
a{color:var(--accent);text-underline-offset:.15em}
:focus-visible,.copy:focus-within{outline:3px solid var(--accent);outline-offset:3px;border-radius:.5rem}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
[hidden]{display:none!important}
.from{display:block;font-size:.9375rem;font-weight:500;letter-spacing:0;color:var(--quiet)}
.sum{display:block;font-size:2.5rem;line-height:1.15;font-weight:700;letter-spacing:-.03em;font-variant-numeric:tabular-nums}
.badge{display:inline-block;margin-top:.625rem;padding:.125rem .75rem;border-radius:1rem;font-size:.875rem;font-weight:600}
.calm{background:var(--calm-bg);color:var(--calm)}.good{background:var(--good-bg);color:var(--good)}
.warn{background:var(--warn-bg);color:var(--warn)}.bad{background:var(--bad-bg);color:var(--bad)}
.lead{margin-top:.5rem;color:var(--quiet)}
.plastic{margin-top:1.25rem;padding:1.125rem 1.25rem;border-radius:1.125rem;color:#fff;
background:linear-gradient(135deg,#1b1f4b 0%,#2f2c86 55%,#4a2f95 100%);box-shadow:0 .75rem 2rem -.75rem rgba(28,25,90,.55)}
.plastic.dead{background:linear-gradient(135deg,#2c303a,#454b59);box-shadow:none}
.plastic-top{display:flex;justify-content:space-between;gap:1rem;align-items:baseline;font-weight:600}
.plastic-top span:first-child{overflow-wrap:anywhere}
.field{min-width:0}
.field .label{font-size:.8125rem;color:#d9dcf7}
.dead .field .label{color:#e3e5ea}
.line{display:flex;align-items:center;gap:.25rem;min-height:2.75rem}
.value{flex:1;min-width:0;font:500 1.0625rem/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:nowrap}
.number{margin-top:1.5rem}
.number .value{font-size:1.125rem}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:.5rem 1rem}
iframe{color-scheme:light}
.copy{position:relative;flex:none;width:2.75rem;height:2.75rem;border-radius:.625rem;background:rgba(255,255,255,.14)}
.copy:focus-within{outline-color:#fff}
.copy svg{position:absolute;inset:0;margin:auto;width:1.25rem;height:1.25rem}
.copy div{position:absolute;inset:0}
.panel,.notice{margin-top:1rem;padding:1rem;border-radius:1rem;background:var(--sheet);border:1px solid var(--line)}
.notice{border:0}.notice.warn{background:var(--warn-bg)}.notice.bad{background:var(--bad-bg)}.notice h2+p{margin-top:.375rem}
.notice strong{display:block;margin-top:.5rem}
.hold,.go{position:relative;overflow:hidden;display:block;width:100%;min-height:3.25rem;padding:.75rem 1rem;border:0;border-radius:.875rem;
font:inherit;font-weight:600;color:var(--on-accent);background:var(--accent);cursor:pointer}
.hold{touch-action:none;-webkit-user-select:none;user-select:none;-webkit-touch-callout:none}
.hold span{position:relative}
.hold::before{content:"";position:absolute;inset:0;background:rgba(0,0,0,.34);transform:scaleX(0);transform-origin:left}
@media (prefers-color-scheme:dark){.hold::before{background:rgba(255,255,255,.5)}}
.hold.held::before{transform:scaleX(1);transition:transform 1s linear}
[dir=rtl] .hold::before{transform-origin:right}
.hold[aria-disabled=true]{opacity:.75;cursor:progress}
.hint{margin-top:.625rem;font-size:.875rem;color:var(--quiet)}
.message{font-size:.9375rem;font-weight:500}.message:not(:empty){margin-top:.5rem}
details{margin-top:.25rem}
summary{display:inline-block;padding:.5rem 0;font-size:.9375rem;color:var(--accent);text-decoration:underline;text-underline-offset:.15em;cursor:pointer}
summary::-webkit-details-marker{display:none}
label{display:block;font-weight:600}
label .hint{display:block;margin:0;font-weight:400}
input{display:block;width:100%;min-height:3rem;margin:.375rem 0 .75rem;padding:.5rem .875rem;border:1px solid var(--quiet);border-radius:.75rem;
font:inherit;font-size:1.125rem;letter-spacing:.12em;background:var(--sheet);color:var(--ink)}
.plain{display:inline-flex;align-items:center;min-height:2.75rem;padding:.25rem .875rem;border:1px solid var(--quiet);border-radius:.75rem;
font:inherit;font-weight:600;background:var(--sheet);color:var(--ink);cursor:pointer}
.shown{display:flex;flex-wrap:wrap;justify-content:space-between;align-items:center;gap:.75rem}
.shown p{font-variant-numeric:tabular-nums}
.facts{margin-top:1rem;padding:.25rem 1rem;border-radius:1rem;background:var(--sheet);border:1px solid var(--line)}
.facts>section{padding:.875rem 0}
.facts>section+section{border-top:1px solid var(--line)}
.facts h2{font-size:.875rem;color:var(--quiet);font-weight:600}
.facts ul{padding:0;list-style:none}
.facts li{margin-top:.25rem;overflow-wrap:anywhere}
.facts time{white-space:normal}
.events li{display:flex;flex-direction:column;margin-top:.5rem}
.events time{font-size:.875rem;color:var(--quiet)}
.sums{display:flex;justify-content:space-between;gap:1rem}
.sums dd{font-weight:600;font-variant-numeric:tabular-nums}
.alone{min-height:60vh;display:flex;flex-direction:column;justify-content:center}
.alone p{margin-top:.75rem}
.alone form,.alone .message{margin-top:1.25rem}
footer{margin:1.5rem auto 2rem}
footer ul{display:flex;flex-wrap:wrap;gap:0 .25rem;margin:0 -.5rem;padding:0;list-style:none}
footer a,footer .here{display:inline-flex;align-items:center;min-height:2.75rem;padding:0 .5rem;font-size:.875rem;color:var(--quiet)}
footer .here{font-weight:700;color:var(--ink)}
@media (max-width:22rem){.plastic{padding:1rem}.number .value{font-size:1rem}.sum{font-size:2.125rem}}
@media (prefers-reduced-motion:reduce){.hold.held::before{transition:none;transform:scaleX(.5)}}
@media (forced-colors:active){.plastic,.hold,.go,.badge{border:1px solid}}
@media print{.plastic,.panel,.notice,footer{display:none}}
`;
