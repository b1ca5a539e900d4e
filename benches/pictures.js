// Cuts one file again and again with sharp, and prints what that took: pictures.js FILE COUNT
//
// As its documentation has it for several sizes of one picture: one input, and a clone for each. The cache is off, for
// no two uploads are the same.

const fs = require("node:fs");
const path = require("node:path");
const sharp = require(path.join(__dirname, "../.dev/tools/bench/node_modules/sharp"));

const SIDES = [512, 300, 128, 48];

sharp.cache(false);

async function cut(file) {
    const picture = sharp(file).autoOrient();
    const square = (side) => picture.clone().resize(side, side, { fit: "cover" }).jpeg({ quality: 85 }).toBuffer();
    return Promise.all(SIDES.map(square));
}

const cpu_ms = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
};

const peak_kib = () => Number(/VmHWM:\s*(\d+)/.exec(fs.readFileSync("/proc/self/status", "utf8"))[1]);

async function main() {
    if (process.argv[2] === "--version") {
        const settings = `concurrency ${sharp.concurrency()}, no cache, fit cover, Lanczos 3, JPEG quality 85`;
        console.log(`sharp ${sharp.versions.sharp}, libvips ${sharp.versions.vips}, Node.js ${process.version}: ${settings}`);
        return;
    }
    const [file, count] = [fs.readFileSync(process.argv[2]), Number(process.argv[3])];
    const before = peak_kib();
    // The first is for caches and pages.
    await cut(file);
    const begin = cpu_ms();
    for (let at = 0; at < count; at++) await cut(file);
    const cpu = (cpu_ms() - begin) / count;
    const peak = peak_kib();
    console.log(JSON.stringify({ cpu_ms: cpu, peak_kib: peak, grown_kib: peak - before }));
}

main();
