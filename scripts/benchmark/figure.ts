/**
 * The ratios of the table of goals as a picture: one bar for each goal against QEMU and against the
 * do-nothing limit, with a mark where the goal is. Drawn from results alone, so it says what they say.
 */
import { type EChartsOption, init } from 'echarts';
import { type Judgement, judge } from './judge.js';
import { describeRun } from './report.js';
import type { BenchResults } from './results.js';
import { MAIN_TARGET } from './target-names.js';

const WIDTH = 1000;
const BAR_HEIGHT = 26;
const TOP = 124;
const BETWEEN = 76;
const BOTTOM = 40;
const LEFT = 430;
const MET = '#3a7d44';
const MISSED = '#c1502e';
const MARK = '#222222';

export interface Bar {
  readonly title: string;
  readonly judgement: Judgement;
}

/** The bars of one panel, in the order of the results. */
export function barsOf({ rows }: BenchResults, kind: 'target' | 'limit'): Bar[] {
  return rows.flatMap((row) =>
    judge(row, MAIN_TARGET, rows)
      .filter(({ goal }) => goal.to.kind === kind && goal.atLeast !== undefined)
      .map((judgement) => ({ title: row.title, judgement })),
  );
}

/** An SVG document. */
export function drawFigure(results: BenchResults): string {
  const option = figureOption(results);
  const chart = init(null, null, {
    renderer: 'svg',
    ssr: true,
    width: WIDTH,
    height: heightOf(results),
  });
  chart.setOption(option);
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function heightOf(results: BenchResults): number {
  const bars = barsOf(results, 'target').length + barsOf(results, 'limit').length;
  return TOP + bars * BAR_HEIGHT + BETWEEN + BOTTOM;
}

export function figureOption(results: BenchResults): EChartsOption {
  const qemu = barsOf(results, 'target');
  const limit = barsOf(results, 'limit');
  if (qemu.length + limit.length === 0) throw new Error('no row with a goal was measured');
  const below = TOP + qemu.length * BAR_HEIGHT + BETWEEN;
  return {
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: 'sans-serif' },
    title: [
      {
        text: "arrayfs against QEMU's FUSE export (qcow2): 1 is equal, more is faster",
        subtext: subtitle(results),
        left: 10,
        top: 6,
        textStyle: { fontSize: 15 },
        subtextStyle: { fontSize: 11 },
      },
      {
        text: 'arrayfs against a do-nothing file system on the same transport',
        left: 10,
        top: below - 52,
        textStyle: { fontSize: 15 },
      },
    ],
    grid: [
      { left: LEFT, right: 60, top: TOP, height: qemu.length * BAR_HEIGHT },
      { left: LEFT, right: 60, top: below, height: limit.length * BAR_HEIGHT },
    ],
    xAxis: [
      { type: 'log', gridIndex: 0, min: ratioMin(qemu), max: ratioMax(qemu) },
      { type: 'value', gridIndex: 1, min: 0, max: 1.2 },
    ],
    yAxis: [categories(qemu, 0), categories(limit, 1)],
    series: [...panel(qemu, 0), ...panel(limit, 1)],
  };
}

/** One line for each part of the description, and what the colours mean. */
function subtitle(results: BenchResults): string {
  const legend = 'Dark mark: the goal. Green: met. Red: missed. Logarithmic.';
  return [...describeRun(results).split('; '), legend].join('\n');
}

/** Whole decades around the ratios, at least one to each side of 1. */
function ratioMin(bars: readonly Bar[]): number {
  const least = Math.min(...bars.map(({ judgement }) => judgement.ratio), 0.2);
  return 10 ** Math.floor(Math.log10(least / 1.5));
}

function ratioMax(bars: readonly Bar[]): number {
  const most = Math.max(...bars.map(({ judgement }) => judgement.ratio), 4);
  return 10 ** Math.ceil(Math.log10(most * 1.2));
}

/** First bar on top. */
function categories(bars: readonly Bar[], gridIndex: number) {
  return {
    type: 'category' as const,
    gridIndex,
    inverse: true,
    data: bars.map(({ title }) => title),
    axisLabel: { fontSize: 11, interval: 0, width: LEFT - 20, overflow: 'truncate' as const },
    axisTick: { show: false },
  };
}

/** Bars of the logarithmic panel grow from 1 to both sides. */
function labelSide(index: number, ratio: number): 'left' | 'right' {
  return index === 0 && ratio < 1 ? 'left' : 'right';
}

function panel(bars: readonly Bar[], index: number) {
  const axes = { xAxisIndex: index, yAxisIndex: index };
  return [
    {
      ...axes,
      type: 'bar' as const,
      barWidth: '60%',
      data: bars.map(({ judgement: { ratio, isMet } }) => ({
        value: ratio,
        itemStyle: { color: isMet ? MET : MISSED },
        label: { show: true, position: labelSide(index, ratio), formatter: ratio.toFixed(2) },
      })),
    },
    {
      ...axes,
      type: 'scatter' as const,
      symbol: 'rect',
      symbolSize: [3, 20] as [number, number],
      itemStyle: { color: MARK },
      data: bars.map(({ judgement: { goal } }, bar) => [goal.atLeast ?? 0, bar]),
    },
  ];
}
