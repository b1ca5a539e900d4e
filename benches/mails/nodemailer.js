// Sends one file again and again with nodemailer, and prints what that took: nodemailer.js PORT SESSIONS COUNT FILE
//
// Pooled, as its documentation has it for many mails. The mail is there already, so that it makes none.

const fs = require("node:fs");
const path = require("node:path");
const place = path.join(__dirname, "../../.dev/tools/bench/node_modules/nodemailer");
const nodemailer = require(place);

const from = "notifications@workcenter.example";
const to = "one1@example.com";

async function main() {
    if (process.argv[2] === "--version") {
        console.log(`nodemailer ${require(`${place}/package.json`).version}, Node.js ${process.version}: pooled, mails raw`);
        return;
    }
    const [port, sessions, count] = process.argv.slice(2, 5).map(Number);
    const raw = fs.readFileSync(process.argv[5]);
    const transport = nodemailer.createTransport({
        host: "127.0.0.1",
        port,
        ignoreTLS: true,
        pool: true,
        maxConnections: sessions,
        maxMessages: Infinity,
    });
    const [began, cpu] = [process.hrtime.bigint(), process.cpuUsage()];
    await Promise.all(Array.from({ length: count }, () => transport.sendMail({ envelope: { from, to }, raw })));
    const took = Number(process.hrtime.bigint() - began) / 1e9;
    const { user, system } = process.cpuUsage(cpu);
    console.log(JSON.stringify({ mails_per_s: count / took, cpu_us: (user + system) / count }));
    transport.close();
}

main();
