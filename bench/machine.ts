import { closeSync, fdatasyncSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { median } from './statistics';

/** Microseconds this disk takes to make one page of a write-ahead log durable: what every commit waits for. */
export function fdatasyncMicros(folder: string): number {
  const path = join(folder, 'fdatasync.probe');
  const page = Buffer.alloc(8192, 1);
  const file = openSync(path, 'w');
  const times: number[] = [];
  for (let round = 0; round < 300; round += 1) {
    writeSync(file, page, 0, page.length, (round % 64) * page.length);
    const begun = performance.now();
    fdatasyncSync(file);
    times.push((performance.now() - begun) * 1_000);
  }
  closeSync(file);
  rmSync(path);
  return Math.round(median(times));
}

export interface CpuTimes {
  readonly total: number;
  readonly idle: number;
  readonly stolen: number;
}

/** Since boot, in clock ticks. https://docs.kernel.org/filesystems/proc.html */
export function cpuTimes(): CpuTimes {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const at = (index: number) => ticks[index] ?? 0;
  return { total: ticks.reduce((sum, each) => sum + each, 0), idle: at(3) + at(4), stolen: at(7) };
}

/** Seconds of processor time a process has used so far. */
export function cpuSecondsOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return Number.NaN;
  }
}

/** The same for all processes of the PostgreSQL server that `backendPid` belongs to. Server processes must not come or go in between. */
export function cpuSecondsOfServer(backendPid: number): number {
  const postmaster = parentOf(backendPid);
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(Number(name)) === postmaster);
  return children.reduce((sum, pid) => sum + (cpuSecondsOf(Number(pid)) || 0), 0);
}

function parentOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]);
  } catch {
    return Number.NaN;
  }
}

export function describeMachine(): { processors: number; model: string; load_1m: number } {
  return { processors: cpus().length, model: cpus()[0]?.model.trim() ?? 'unknown', load_1m: loadavg()[0] ?? 0 };
}
