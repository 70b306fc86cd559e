/// The style of the interactive viewer, by the page's own colours.
enum ViewerStyle {
  static let css = """
    .viewer{margin:1rem 0 2rem;border:1px solid var(--rule);border-radius:10px;padding:.9rem;\
    background:var(--soft)}
    .viewer .state{margin:0;color:var(--muted)}
    .viewer .tools{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:end;font-size:.82rem}
    .viewer .tools label{display:flex;flex-direction:column;gap:.15rem;color:var(--muted)}
    .viewer label.check{display:flex;flex-direction:row;align-items:center;gap:.4rem;color:var(--ink);\
    min-height:2rem}
    .viewer select,.viewer input[type=number],.viewer button,.link-button{font:inherit;\
    color:var(--ink);background:var(--paper);border:1px solid var(--strong);border-radius:6px;\
    padding:.3rem .55rem;min-height:2rem}
    .viewer input.short{width:5.2rem}
    .viewer input[type=range]{accent-color:var(--accent);width:7.5rem;min-height:2rem;margin:0}
    .viewer input[type=checkbox],.link-box{accent-color:var(--accent);width:1.05rem;height:1.05rem;\
    margin:0}
    .viewer button,.link-button{cursor:pointer}
    .viewer button:hover,.link-button:hover{border-color:var(--accent);color:var(--accent)}
    .viewer .buttons{display:flex;gap:.35rem}
    .readout{display:block;margin:.8rem 0 .6rem;font-size:.9rem;min-height:1.5em;\
    overflow-wrap:anywhere}
    .stage{display:grid;grid-template-columns:minmax(0,1fr) minmax(13rem,16.5rem);gap:1rem;\
    align-items:start}
    .views{display:grid;grid-template-columns:1fr 1fr;gap:.7rem}
    .views.count-1{grid-template-columns:1fr}
    .frame{position:relative;background:#000;border-radius:6px;overflow:hidden;aspect-ratio:1}
    canvas.view{display:block;position:absolute;inset:0;width:100%;height:100%;cursor:crosshair;\
    touch-action:pan-y}
    canvas.view:focus{touch-action:none}
    canvas.view:focus-visible,canvas.view:focus{outline:2px solid #ffd54a;outline-offset:-2px}
    .frame .edge{pointer-events:none}
    .slice{display:flex;align-items:center;gap:.5rem;font-size:.8rem;color:var(--muted);\
    padding-top:.3rem;flex-wrap:wrap}
    .slice input[type=range]{flex:1;min-width:4rem}
    .slice-number{min-width:3.6em;text-align:right}
    .viewer .viewpoints{gap:.25rem}
    .viewer .viewpoints button{font-size:.75rem;padding:.15rem .4rem;min-height:1.8rem;\
    flex:1 1 auto}
    .structures{font-size:.85rem;min-width:0}
    .structures .rows{max-height:34rem;overflow:auto;margin-top:.4rem}
    .structures table{width:100%;min-width:0;font-size:.85rem}
    .structures th,.structures td{padding:.2rem .5rem .2rem 0}
    .structures tbody th{font-weight:400;overflow-wrap:anywhere}
    .structures label.check{align-items:center}
    .structures label .swatch{order:1;margin:0;flex:none}
    .structures label input{order:0;flex:none}.structures label span{order:2}
    .structures button{padding:.1rem .45rem;min-height:1.75rem;white-space:nowrap}
    tr.here>*{background:color-mix(in srgb,var(--accent) 14%,transparent)}
    .link-box{vertical-align:-.15em;margin-right:.5em}
    .link-button{font-size:.72rem;padding:.05rem .4rem;min-height:1.5rem;margin-left:.5em}
    .viewer details{font-size:.85rem}.viewer summary{cursor:pointer}
    .viewer dl{margin:.5rem 0 0}.viewer dl div{display:flex;gap:1rem;flex-wrap:wrap;\
    padding:.15rem 0}
    .viewer dt{flex:0 0 min(100%,22rem);font-weight:600}.viewer dd{margin:0}
    .viewer .note{margin:.7rem 0 .4rem}
    @media(max-width:52rem){.stage{grid-template-columns:minmax(0,1fr)}\
    .structures .rows{max-height:16rem}}
    @media(max-width:36rem){.viewer{margin-inline:-.75rem;padding:.6rem}\
    .views{grid-template-columns:1fr;gap:.9rem}}
    @media print{.viewer,.link-box,.link-button{display:none}}

    """
}
