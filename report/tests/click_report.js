// click_report.js - uses results/report.html as a reader would; its value is a list of what went
// wrong, and of how much was done.
(async () => {
    const wrong = [];
    const all = (selector, root) => Array.from((root || document).querySelectorAll(selector));
    const expect = (holds, what) => holds || wrong.push(what);
    const shown = (element) => element.checkVisibility();
    const moved = (act) => new Promise((done) => {
        window.addEventListener("hashchange", () => done(), { once: true });
        act();
    });
    const type = (element, value) => {
        element.value = value;
        element.dispatchEvent(new Event("input", { bubbles: true }));
    };

    // Every cell opens its own panel, above everything else, with the command that reproduces it;
    // and closes it.
    const cells = all(".matrix td a[href^='#cell-']");
    expect(all(".cell").length === cells.length, "as many panels as cells");
    for (const cell of cells) {
        const [slug, profile] = cell.hash.slice("#cell-".length).split("-");
        const panel = document.getElementById(cell.hash.slice(1));
        const was = [scrollX, scrollY].join();

        await moved(() => cell.click());
        const box = panel.getBoundingClientRect();
        expect(shown(panel) && panel.contains(document.elementFromPoint(box.left + box.width / 2, box.top + 20)), cell.hash + ": is seen");
        expect(box.left >= 0 && box.right <= innerWidth && box.top >= 0 && box.bottom <= innerHeight, cell.hash + ": lies on the screen");
        expect(panel.querySelector("pre").textContent === "build/repro/" + slug + " --profile " + profile, cell.hash + ": its command");
        expect(panel.querySelector(".badge").textContent.endsWith(cell.querySelector("span").textContent), cell.hash + ": its outcome");
        expect(all(".cell").filter(shown).length === 1, cell.hash + ": no other panel is open");
        await moved(() => panel.querySelector(".close").click());
        expect(!shown(panel), cell.hash + ": closes");
        expect([scrollX, scrollY].join() === was, cell.hash + ": the page stays where it was");
    }
    await moved(() => cells[0].click());
    await moved(() => document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" })));
    expect(all(".cell").filter(shown).length === 0, "Escape closes a panel");

    // Findings: filters by words, by choices, by both, and by following a link.
    const tool = document.querySelector("[data-for=findings-table]");
    const table = document.getElementById("findings-table");
    const words = tool.querySelector("input");
    const rows = all("tbody tr", table);
    const seen = () => rows.filter(shown);
    const total = rows.length;
    expect(seen().length === total && total > 0, "all findings are shown at first");
    for (const text of ["hang", "HANG rayon", "no such text anywhere"]) {
        type(words, text);
        const fits = rows.filter((row) => text.toLowerCase().split(" ").every((word) => row.textContent.toLowerCase().includes(word)));
        expect(seen().length === fits.length && fits.every(shown), "search " + text);
        expect(tool.querySelector(".shown").textContent === fits.length + " of " + total, "search " + text + ": the count");
        expect(fits.length < total, "search " + text + " leaves something out");
    }
    type(words, "");
    for (const choice of all("select", tool)) {
        for (const option of all("option", choice)) {
            type(choice, option.value);
            const fits = rows.filter((row) => option.value === "" || row.dataset[choice.name] === option.value);
            expect(seen().length === fits.length && fits.every(shown), choice.name + " " + option.value);
            expect(fits.length > 0, choice.name + " " + option.value + " has rows");
        }
        type(choice, "");
    }
    type(words, "no such text anywhere");
    await moved(() => (location.hash = rows[3].id));
    await new Promise((done) => setTimeout(done, 50));
    expect(shown(rows[3]), "a link to a finding that is filtered out shows it");
    expect(seen().length === total, "and all others");

    // Sorting, both ways, by numbers and by text.
    const head = all("thead th", table);
    const bound = head.findIndex((th) => th.textContent.trim().startsWith("safe from"));
    const values = () => all("tbody tr", table).map((row) => row.cells[bound].dataset.value).filter((value) => !isNaN(value)).map(Number);
    const ordered = (list, sign) => list.every((value, i) => i === 0 || sign * (value - list[i - 1]) >= 0);
    head[bound].click();
    expect(ordered(values(), 1) && new Set(values()).size > 3, "sorted by bound");
    head[bound].click();
    expect(ordered(values(), -1), "sorted by bound, downwards");
    expect(isNaN(table.tBodies[0].rows[total - 1].cells[bound].dataset.value), "what has no bound comes last");

    // The limits.
    const own = document.querySelector("input[type=number][name=c]");
    const list = document.querySelector(".above.limit.c");
    const bounds = all(".bounds .row").map((row) => row.dataset.bound).filter((value) => value !== "none").map(Number);
    for (const bytes of [1, 2104, 2105, 4096, 4097, 1000000]) {
        type(own, bytes);
        const above = bounds.filter((value) => value > bytes).length;
        expect(list.querySelector(".count").textContent === String(above), "above " + bytes + ": " + above);
        expect(all(".names a", list).length === above, "above " + bytes + ": by name");
        const line = document.querySelector(".over .limit.c").getBoundingClientRect();
        const over = document.querySelector(".over").getBoundingClientRect();
        expect(line.left >= over.left - 2 && line.right <= over.right + 2, "the line of " + bytes + " lies on the axis");
    }
    type(own, 8193);
    const mark = all(".bounds .row").find((row) => row.dataset.bound === "8193").querySelector(".sure").getBoundingClientRect();
    const at = document.querySelector(".over .limit.c").getBoundingClientRect();
    expect(Math.abs(mark.left + mark.width / 2 - at.left) < 3, "the line of 8193 goes through the mark of 8193");

    // Links: to a story, which is folded, and from it to the others.
    for (const story of all("details.story")) {
        story.open = false;
        await moved(() => (location.hash = story.id));
        expect(story.open && shown(story.querySelector("pre")), story.id + " opens");
    }
    for (const link of all("a[href^='#']"))
        expect(link.hash === "#_" || document.getElementById(link.hash.slice(1)) !== null, link.hash + " leads nowhere");
    // Tables under figures open.
    for (const folded of all("main details:not(.story)")) {
        folded.querySelector("summary").click();
        expect(shown(folded.lastElementChild), folded.textContent.slice(0, 40) + " opens");
    }
    expect(all(".charts figure svg").every((figure) => figure.getBoundingClientRect().width > 200), "figures have a size");
    return { wrong, cells: cells.length, findings: total };
})();
