package org.knowcap.analysis.report;

/** The beginning of all pages, which are self-contained. */
final class Html {
  private static final String STYLE = """
      :root { color-scheme: light dark; --ink: #1c1e21; --soft: #5c6570; --line: #dfe3e8; --page: #ffffff;
        --bar: #cfe3f1; }
      @media (prefers-color-scheme: dark) {
        :root { --ink: #e8eaed; --soft: #a3abb5; --line: #3a4048; --page: #17191c; --bar: #1f4763; } }
      body { margin: 0 auto; max-width: 90rem; padding: 2.5rem 1.5rem 4rem; background: var(--page);
        color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
      h1 { font-size: 1.8rem; margin: 0 0 1rem; }
      h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; }
      p, ul, dl { max-width: 48rem; margin: .5rem 0; }
      ul { padding-left: 1.2rem; }
      .lead { font-size: 1.1rem; max-width: 60rem; }
      figure { margin: 2rem 0 0; max-width: 66rem; }
      figure svg { display: block; width: 100%; height: auto; background: #fff; border: 1px solid var(--line);
        border-radius: 6px; }
      figcaption, .note { color: var(--soft); font-size: .875rem; margin-top: .5rem; }
      .wide { overflow-x: auto; }
      table { border-collapse: collapse; font-size: .8125rem; font-variant-numeric: tabular-nums; }
      th, td { padding: .3rem .6rem; text-align: left; vertical-align: baseline;
        border-bottom: 1px solid var(--line); white-space: nowrap; }
      thead th { color: var(--soft); font-weight: 600; border-bottom-width: 2px; vertical-align: bottom; }
      .results th, .results td { white-space: normal; padding: .3rem .4rem; }
      .number { text-align: right; }
      tr.group td { border-top: 2px solid var(--line); }
      .part { background: linear-gradient(var(--bar), var(--bar)) no-repeat left / var(--part) 100%; }
      .facts td, .facts th { white-space: normal; overflow-wrap: anywhere; }
      .facts th { font-weight: 600; white-space: nowrap; }
      sup { line-height: 0; }
      dl { display: grid; grid-template-columns: 6.5rem 1fr; gap: .25rem .5rem; }
      dt { font-weight: 600; }
      dd { margin: 0; }
      @media screen and (max-width: 48rem) {
        body { padding: 1.5rem 1rem 3rem; }
        .chart { overflow-x: auto; }
        .chart svg { width: 54rem; } }
      @media print {
        @page { size: A4 landscape; margin: 12mm; }
        body { max-width: none; padding: 0; }
        .wide, .chart { overflow: visible; }
        figure { max-width: none; }
        .chart svg { max-height: 145mm; border: 0; }
        figure, tr { break-inside: avoid; }
        h2 { break-after: avoid; }
        .wide table { width: 100%; font-size: 6pt; }
        .wide th, .wide td { padding: .15rem .2rem; white-space: normal; } }
      """;

  private Html() {}

  /**
   * The beginning of a page, up to the heading with its title.
   *
   * @param style of this page's own, in CSS
   */
  static String head(String title, String style) {
    return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" + escaped(title)
        + "</title>\n<style>\n" + STYLE + style + "</style>\n</head>\n<body>\n<h1>" + escaped(title)
        + "</h1>\n";
  }

  /** An SVG document in a frame that keeps it large enough to read: a narrow screen shows a part of it, and scrolls. */
  static String chart(String svg) {
    return "<div class=\"chart\">\n" + svg + "</div>\n";
  }

  static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
  }
}
