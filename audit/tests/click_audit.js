// click_audit.js - uses the page of html_test.sh as a reader would; its value is a list of what
// went wrong.
(async () => {
    const wrong = [];
    const all = (selector, root) => Array.from((root || document).querySelectorAll(selector));
    const expect = (holds, what) => holds || wrong.push(what);
    const shown = (element) => element.checkVisibility();
    const table = document.getElementById("sites-table");
    const rows = all("tbody tr", table);
    const tool = document.querySelector("[data-for=sites-table]");
    const type = (element, value) => {
        element.value = value;
        element.dispatchEvent(new Event("input", { bubbles: true }));
    };
    const seen = () => rows.filter(shown).map((row) => /\((\w+)\)/.exec(row.cells[1].textContent)[1]).sort().join();

    expect(seen() === "make_anew,make_brief,make_more,make_table", "all sites: " + seen());
    type(tool.querySelector("input"), "MAKE_t");
    expect(seen() === "make_table", "search: " + seen());
    type(tool.querySelector("input"), "");
    type(tool.querySelector("[name=state]"), "below MIN_BYTES");
    expect(seen() === "make_brief", "below MIN_BYTES: " + seen());
    type(tool.querySelector("[name=state]"), "exposed");
    type(tool.querySelector("[name=touched]"), "untouched");
    expect(seen() === "make_more", "exposed and untouched: " + seen());
    type(tool.querySelector("[name=state]"), "");
    type(tool.querySelector("[name=touched]"), "");
    const sizes = () => all("tbody tr", table).map((row) => Number(row.cells[3].dataset.value)).join();
    all("thead th", table)[3].click();
    expect(sizes() === "3000,5000,70000,100000", "sorted by size: " + sizes());
    all("thead th", table)[3].click();
    expect(sizes() === "100000,70000,5000,3000", "and downwards: " + sizes());

    for (const stack of all("details", table)) {
        expect(!shown(stack.querySelector(".frames")), "a stack is folded");
        stack.querySelector("summary").click();
        expect(shown(stack.querySelector(".frames")), "and unfolds");
    }
    // The chart: as many areas as sites, each with a colour of its own, which its entry in the
    // legend has too.
    const areas = all(".plot .area");
    const legend = all("#course .legend li");
    const colours = areas.map((area) => getComputedStyle(area).fill);
    expect(areas.length === 4 && new Set(colours).size === 4, "four areas: " + colours.join());
    legend.forEach((item, i) => {
        expect(getComputedStyle(item.querySelector("i")).backgroundColor === colours[i], "the colour of " + item.textContent);
        expect(document.getElementById(item.querySelector("a").hash.slice(1)) !== null, item.textContent + ": a row of the table");
    });
    expect(areas.every((area) => area.getBoundingClientRect().width > 100), "areas have a size");
    return wrong;
})();
