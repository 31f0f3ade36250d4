// What the browser computes, for the page's tests: text sizes, targets, contrast in charts.
(() => {
  const visible = (el) => {
    if (el.closest("[hidden], title, desc, defs, script, style, noscript, head")) return false;
    const box = el.getBoundingClientRect();
    const style = getComputedStyle(el);
    return box.width > 0 && box.height > 0 && style.visibility !== "hidden" && box.right > 0;
  };
  const scaleOf = (el) => {
    const svg = el.closest("svg");
    if (!svg || el === svg) return 1;
    const matrix = el.getScreenCTM();
    return Math.hypot(matrix.a, matrix.b);
  };
  const texts = () => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const el = walker.currentNode.parentElement;
      const text = walker.currentNode.textContent.trim();
      if (text && visible(el)) found.push({ el, text });
    }
    return found;
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const numbers = (colour) => colour.match(/[\d.]+/g).slice(0, 3).map(Number);
  window.measure = {
    small: (least) => texts()
      .map(({ el, text }) => ({ text, px: parseFloat(getComputedStyle(el).fontSize) * scaleOf(el) }))
      .filter(({ px }) => px < least - 0.01),
    count: () => texts().length,
    svgTexts: () => texts().filter(({ el }) => el.closest("svg")).length,
    wide: () => document.documentElement.scrollWidth - window.innerWidth,
    targets: () => Array.from(document.querySelectorAll("button, select, input, summary, a.button"))
      .filter((el) => visible(el) && el.type !== "hidden")
      .map((el) => ({ text: el.textContent.trim(), box: el.getBoundingClientRect() }))
      .filter(({ box }) => box.height < 47.5 || box.width < 47.5)
      .map(({ text, box }) => text + " " + box.width + "x" + box.height),
    svgContrast: (ground) => texts().filter(({ el }) => el.closest("svg")).map(({ el, text }) => {
      const [a, b] = [luminance(numbers(getComputedStyle(el).fill)), luminance(ground)];
      return { text, ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) };
    }),
    all: (least, ground) => ({
      small: measure.small(least),
      wide: Math.max(0, measure.wide()),
      targets: measure.targets(),
      overlaps: measure.overlaps(),
      pale: measure.svgContrast(ground).filter(({ ratio }) => ratio < 4.5),
    }),
    overlaps: () => {
      const boxes = texts().filter(({ el }) => el.closest("svg.chart"))
        .map(({ el, text }) => ({ text, chart: el.closest("svg"), box: el.getBoundingClientRect() }));
      const found = [];
      for (const [i, one] of boxes.entries()) {
        for (const other of boxes.slice(i + 1)) {
          const across = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
          const down = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
          if (one.chart === other.chart && across > 2 && down > 5) found.push(one.text + " / " + other.text);
        }
      }
      return found;
    },
  };
})();
