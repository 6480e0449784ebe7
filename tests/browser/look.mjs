// Opens an HTML report in Chromium as a reader would, and prints as JSON what was seen.
// Usage: node look.mjs REPORT.html CHROMIUM

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [report, executablePath] = process.argv.slice(2);
const address = pathToFileURL(report).href;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
// Chromium refuses its sandbox to root, which a container often is.
const args = process.getuid() === 0 ? ["--no-sandbox"] : [];

async function opened(browser, options, seen) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("request", (request) => seen.requests.push(request.url()));
  page.on("console", (message) => seen.messages.push(message.text()));
  page.on("pageerror", (error) => seen.messages.push(String(error)));
  page.on("dialog", (dialog) => { seen.messages.push(`dialog ${dialog.message()}`); return dialog.dismiss(); });
  await page.goto(address);
  return page;
}

async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run(document));
  return found.violations.map((one) => ({
    rule: one.id,
    nodes: one.nodes.map((node) => `${node.target}: ${node.failureSummary}`).slice(0, 5),
  }));
}

async function checked(browser, scheme, seen) {
  const page = await opened(browser, { colorScheme: scheme }, seen);
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.evaluate(() => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
  const found = await violations(page);
  await page.context().close();
  return { background, violations: found };
}

async function clicked(browser, seen) {
  const page = await opened(browser, {}, seen);
  const first = page.locator("details").first();
  await first.locator("summary").click();
  const byMouse = await first.evaluate((one) => one.open);
  await first.locator("summary").press("Enter");
  const byKey = await first.evaluate((one) => !one.open);
  await page.locator("nav a", { hasText: "Gaps" }).click();
  const section = await page.locator("#gaps").evaluate((one) => Math.round(one.getBoundingClientRect().top));
  const link = page.locator("article a[href^='#probe-']").first();
  const probe = (await link.getAttribute("href")).slice(1);
  await link.click();
  const revealed = await page.evaluate((id) => document.getElementById(id).closest("details").open, probe);
  await page.context().close();
  return { byMouse, byKey, section, revealed };
}

async function byKeyboard(browser, seen) {
  const page = await opened(browser, {}, seen);
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => document.activeElement.textContent);
  await page.keyboard.press("Enter");
  const then = await page.evaluate(() => document.activeElement.id);
  await page.context().close();
  return { first, then };
}

async function printed(browser, seen) {
  const page = await opened(browser, { colorScheme: "dark" }, seen);
  await page.emulateMedia({ media: "print" });
  const result = await page.evaluate(() => ({
    background: getComputedStyle(document.body).backgroundColor,
    hidden: [...document.querySelectorAll("details > div")].filter(
      (one) => one.getBoundingClientRect().height === 0 || !one.checkVisibility({ contentVisibilityAuto: true }),
    ).length,
    navigation: getComputedStyle(document.querySelector("nav")).display,
  }));
  const pdf = await page.pdf({ format: "A4" });
  await page.context().close();
  return { ...result, pages: pdf.toString("latin1").split("/Type /Page\n").length - 1 };
}

async function narrow(browser, seen) {
  const page = await opened(browser, { viewport: { width: 360, height: 640 } }, seen);
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  await page.context().close();
  return beyond;
}

async function withoutScripts(browser, seen) {
  const page = await opened(browser, { javaScriptEnabled: false }, seen);
  const text = await page.locator("main").innerText();
  await page.context().close();
  return text.length;
}

const seen = { requests: [], messages: [] };
const browser = await chromium.launch({ executablePath, args });
try {
  const result = {
    light: await checked(browser, "light", seen),
    dark: await checked(browser, "dark", seen),
    clicked: await clicked(browser, seen),
    keyboard: await byKeyboard(browser, seen),
    printed: await printed(browser, seen),
    beyond: await narrow(browser, seen),
    textWithoutScripts: await withoutScripts(browser, seen),
    others: seen.requests.filter((url) => url !== address),
    messages: seen.messages,
  };
  console.log(JSON.stringify(result));
} finally {
  await browser.close();
}
