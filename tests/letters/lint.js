// Looks at the HTML of letters with html-validate and prints what is wrong with it, a line each:
//
// node lint.js FOLDER...   # where the packages are is said by NODE_PATH
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { HtmlValidate } = require("html-validate");

const rules = {
  // Mail programs lay letters out by tables, and the oldest by the attributes of these.
  "no-deprecated-attr": "off",
  // A letter has its styles in it.
  "no-inline-style": "off",
  "require-sri": "off",
  // White space is what templates leave.
  "no-trailing-whitespace": "off",
  "doctype-style": "off",
  // The title is the heading, which may be a sentence.
  "long-title": "off",
  // What html-validate knows and does not ask for by itself.
  "allowed-links": ["error", { allowRelative: false }],
  "heading-level": ["error", { minInitialRank: "h1" }],
  "no-missing-references": "error",
  "require-closed-elements": "off",
};
const linter = new HtmlValidate({ root: true, extends: ["html-validate:recommended", "html-validate:a11y"], rules });

for (const folder of process.argv.slice(2)) {
  for (const name of fs.readdirSync(folder).filter((name) => name.endsWith(".html")).sort()) {
    const report = linter.validateStringSync(fs.readFileSync(path.join(folder, name), "utf8"), name);
    for (const { messages } of report.results) {
      for (const { ruleId, message, line, column } of messages) {
        console.log(`${name}:${line}:${column}: ${message} (${ruleId})`);
      }
    }
  }
}
