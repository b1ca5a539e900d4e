// Does jobs that do nothing with pg-boss: pgboss.js rate|wake URL COUNT
//
// Prints how many a second, fetched and completed five hundred at a time by its own workers, which go on at once while
// batches are full; or how long each waited that came when there was nothing to do, with LISTEN and NOTIFY on.

const path = require("node:path");
const modules = path.join(__dirname, "../../.dev/tools/bench/node_modules");
const version = require(`${modules}/pg-boss/package.json`).version;

const BATCH = 500;

async function fresh(url, options, queue) {
    const { PgBoss } = await import(`${modules}/pg-boss/dist/index.js`);
    const boss = new PgBoss({ connectionString: url, supervise: false, schedule: false, ...options });
    boss.on("error", (error) => { throw error; });
    await boss.start();
    await boss.createQueue("nothing", queue);
    return boss;
}

async function rate(url, count) {
    const boss = await fresh(url, {}, {});
    for (let left = count; left > 0; left -= 5000) {
        await boss.insert("nothing", Array.from({ length: Math.min(left, 5000) }, () => ({ data: {} })));
    }
    await boss.getDb().executeSql("vacuum analyze");
    let done = 0;
    const began = process.hrtime.bigint();
    await new Promise((over) => {
        const options = { batchSize: BATCH, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5, localConcurrency: 2 };
        boss.work("nothing", options, async (jobs) => {
            done += jobs.length;
            if (done === count) over();
        });
    });
    const took = Number(process.hrtime.bigint() - began) / 1e9;
    console.log(JSON.stringify({ per_s: count / took }));
    await boss.stop({ graceful: true });
}

async function wake(url, count) {
    const boss = await fresh(url, { useListenNotify: true }, { notify: true });
    let told;
    await boss.work("nothing", async () => told(process.hrtime.bigint()));
    await new Promise((later) => setTimeout(later, 1000));
    const waits = [];
    for (let number = 0; number < count; number++) {
        const begun = new Promise((at) => (told = at));
        const began = process.hrtime.bigint();
        await boss.send("nothing", {});
        waits.push(Number((await begun) - began) / 1e6);
        await new Promise((later) => setTimeout(later, 20));
    }
    waits.sort((one, other) => one - other);
    const at = (share) => waits[Math.floor(((waits.length - 1) * share) / 100)];
    console.log(JSON.stringify({ p50_ms: at(50), p99_ms: at(99) }));
    await boss.stop({ graceful: true });
}

async function main() {
    const [what, url, count] = [process.argv[2], process.argv[3], Number(process.argv[4])];
    if (what === "--version") console.log(`pg-boss ${version}, Node.js ${process.version}: batches of ${BATCH}, rows are kept`);
    else await { rate, wake }[what](url, count);
}

main();
