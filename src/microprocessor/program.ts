/** The program of a microprocessor's thread. */
import { workerData } from 'node:worker_threads';
import { systemClock } from '../base/clock.js';
import { Microprocessor, type MicroprocessorData } from './microprocessor.js';

new Microprocessor(workerData as MicroprocessorData, systemClock).run();
