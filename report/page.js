/* page.js - what the project's pages do beyond showing: tables sort and filter, a cell's panel closes, limits move.
 * Without it all is there and readable. */
"use strict";
(function () {
    const all = (selector, root) => Array.from((root || document).querySelectorAll(selector));

    document.documentElement.classList.add("js");

    /* ---- Tables that sort: a cell's data-value, or its text; as numbers where all are. */
    function valueOf(row, column) {
        const cell = row.cells[column];
        return cell.dataset.value !== undefined ? cell.dataset.value : cell.textContent.trim();
    }

    function sortBy(table, column, descending) {
        const body = table.tBodies[0];
        const rows = Array.from(body.rows).map((row) => ({ row, value: valueOf(row, column) }));
        const unknown = (value) => value === "" || value === "NA" || value === "none";
        const numbers = rows.every(({ value }) => unknown(value) || !isNaN(Number(value)));
        const sign = descending ? -1 : 1;

        rows.sort((a, b) => {
            if (unknown(a.value) || unknown(b.value)) return unknown(a.value) - unknown(b.value);
            return sign * (numbers ? a.value - b.value : a.value.localeCompare(b.value, "en", { numeric: true }));
        });
        rows.forEach(({ row }) => body.append(row));
        all("thead th", table).forEach((head, i) => {
            if (i === column) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
            else head.removeAttribute("aria-sort");
        });
    }

    all("table.sorts").forEach((table) => {
        all("thead th", table).forEach((head, column) => {
            const turn = () => sortBy(table, column, head.getAttribute("aria-sort") === "ascending");

            head.tabIndex = 0;
            head.addEventListener("click", turn);
            head.addEventListener("keydown", (event) => {
                if (event.key === "Enter") turn();
            });
        });
    });

    /* ---- Tables that filter: a tool's words, all of which a row must have, and choices of a column's data-key. */
    all(".tool[data-for]").forEach((tool) => {
        const table = document.getElementById(tool.dataset.for);
        const words = tool.querySelector("input[type=search]");
        const shown = tool.querySelector(".shown");

        function apply() {
            const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
            let count = 0;

            all("tbody tr", table).forEach((row) => {
                const text = row.textContent.toLowerCase();
                const fits = wanted.every((word) => text.includes(word)) &&
                    all("select", tool).every((choice) => choice.value === "" || row.dataset[choice.name] === choice.value);

                row.hidden = !fits;
                count += fits;
            });
            shown.textContent = count + " of " + table.tBodies[0].rows.length;
        }
        tool.addEventListener("input", apply);
        apply();
        /* A link to a row that is filtered out shows it again. */
        window.addEventListener("hashchange", () => {
            const row = document.getElementById(location.hash.slice(1));

            if (row !== null && row.hidden && table.contains(row)) {
                words.value = "";
                all("select", tool).forEach((choice) => (choice.value = ""));
                apply();
                row.scrollIntoView();
            }
        });
    });

    /* ---- What is linked to and folded opens. */
    function unfold() {
        let at = document.getElementById(decodeURIComponent(location.hash.slice(1)));

        if (at === null) return;
        if (at.classList.contains("cell")) {
            at.querySelector(".close").focus({ preventScroll: true });
            return;
        }
        for (let outer = at; outer !== null; outer = outer.parentElement)
            if (outer.tagName === "DETAILS") outer.open = true;
        at.scrollIntoView();
    }
    window.addEventListener("hashchange", unfold);
    if (location.hash.length > 1) unfold();

    const openCell = () => document.querySelector(".cell:target");
    document.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && openCell() !== null) location.hash = "_";
    });
    document.addEventListener("click", (event) => {
        const cell = openCell();

        if (cell !== null && !cell.contains(event.target) && event.target.closest("a") === null) location.hash = "_";
    });
    /* On paper, what is folded is told too. */
    window.addEventListener("beforeprint", () => all("details.story").forEach((story) => (story.open = true)));

    /* ---- Limits on the axis of the bounds */
    const bounds = document.querySelector(".bounds");
    if (bounds === null) return;
    const from = Math.log2(Number(bounds.dataset.from));
    const to = Math.log2(Number(bounds.dataset.to));
    const over = bounds.querySelector(".over");
    const rows = all(".row[data-bound]", bounds).map((row) => ({
        bound: row.dataset.bound === "none" ? Infinity : Number(row.dataset.bound),
        link: row.querySelector("a"),
    }));

    function place(name, bytes) {
        const line = over.querySelector(".limit." + name);
        const list = document.querySelector(".above.limit." + name);
        const at = ((Math.log2(Math.max(bytes, 1)) - from) / (to - from)) * 100;
        const above = rows.filter((row) => row.bound > bytes && row.bound !== Infinity);
        const names = list.querySelector(".names");

        line.style.left = Math.min(100, Math.max(0, at)) + "%";
        line.querySelector("b").textContent = bytes;
        list.querySelector(".bytes").textContent = bytes;
        list.querySelector(".count").textContent = above.length;
        names.textContent = "";
        above.forEach((row) => {
            const link = document.createElement("a");

            link.className = "slug";
            link.href = row.link.getAttribute("href");
            link.textContent = row.link.textContent;
            names.append(link, " ");
        });
    }

    ["a", "b", "c"].forEach((name) => {
        const number = document.querySelector("input[type=number][name=" + name + "]");
        const range = document.querySelector("input[type=range][name=" + name + "]");
        const line = over.querySelector(".limit." + name);

        function set(bytes) {
            if (!(bytes >= 1)) return;
            number.value = bytes;
            range.value = Math.log2(bytes);
            place(name, bytes);
        }
        number.addEventListener("input", () => set(Math.floor(Number(number.value))));
        range.addEventListener("input", () => set(Math.round(2 ** Number(range.value))));
        line.addEventListener("pointerdown", (event) => {
            event.preventDefault();
            line.setPointerCapture(event.pointerId);
        });
        line.addEventListener("pointermove", (event) => {
            if (!line.hasPointerCapture(event.pointerId)) return;
            const box = over.getBoundingClientRect();
            const part = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));

            set(Math.round(2 ** (from + part * (to - from))));
        });
    });
})();
