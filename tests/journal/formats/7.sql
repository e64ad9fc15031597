BEGIN TRANSACTION;
CREATE TABLE account_notes (
	id INTEGER NOT NULL,
	account VARCHAR NOT NULL,
	run VARCHAR NOT NULL,
	kind VARCHAR NOT NULL,
	text VARCHAR NOT NULL,
	time_ns BIGINT NOT NULL,
	facts TEXT NOT NULL,
	"key" VARCHAR,
	PRIMARY KEY (id)
);
INSERT INTO "account_notes" VALUES(1,'account 1','run 1','kind 1','text 1',1000000000000,'{"a":[1,"x"]}',NULL);
INSERT INTO "account_notes" VALUES(2,'account 2','run 2','kind 2','text 2',2000000000000,'{"a":[2,"x"]}',NULL);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0007');
CREATE TABLE decisions (
	id INTEGER NOT NULL,
	created_ns BIGINT NOT NULL,
	account VARCHAR NOT NULL,
	run_key VARCHAR NOT NULL,
	bar_ns BIGINT NOT NULL,
	session VARCHAR NOT NULL,
	strategy VARCHAR NOT NULL,
	strategy_source VARCHAR NOT NULL,
	spec TEXT NOT NULL,
	fingerprint VARCHAR NOT NULL,
	equity VARCHAR(40) NOT NULL,
	cash VARCHAR(40) NOT NULL,
	targets TEXT NOT NULL,
	notes TEXT NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (account, run_key, bar_ns)
);
INSERT INTO "decisions" VALUES(1,1000000000000,'account 1','run_key 1',1000000000000,'session 1','strategy 1','strategy_source 1','{"a":[1,"x"]}','fingerprint 1','1001.10','1001.10','{"a":[1,"x"]}','["AAA","B1"]');
INSERT INTO "decisions" VALUES(2,2000000000000,'account 2','run_key 2',2000000000000,'session 2','strategy 2','strategy_source 2','{"a":[2,"x"]}','fingerprint 2','1002.10','1002.10','{"a":[2,"x"]}','["AAA","B2"]');
CREATE TABLE executions (
	id INTEGER NOT NULL,
	run_id INTEGER NOT NULL,
	"key" VARCHAR NOT NULL,
	order_number BIGINT NOT NULL,
	time_ns BIGINT NOT NULL,
	session VARCHAR NOT NULL,
	symbol VARCHAR NOT NULL,
	size VARCHAR(40) NOT NULL,
	price VARCHAR(40) NOT NULL,
	commission VARCHAR(40) NOT NULL,
	intent VARCHAR NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (run_id, "key"),
	FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
INSERT INTO "executions" VALUES(1,1,'key 1',1000000000000,1000000000000,'session 1','symbol 1','1001.10','1001.10','1001.10','intent 1');
INSERT INTO "executions" VALUES(2,2,'key 2',2000000000000,2000000000000,'session 2','symbol 2','1002.10','1002.10','1002.10','intent 2');
CREATE TABLE holdings (
	account VARCHAR NOT NULL,
	run VARCHAR NOT NULL,
	symbol VARCHAR NOT NULL,
	qty VARCHAR(40) NOT NULL,
	average VARCHAR(40) NOT NULL,
	mark VARCHAR(40) NOT NULL,
	cash VARCHAR(40) NOT NULL,
	realized VARCHAR(40) NOT NULL,
	commission VARCHAR(40) NOT NULL,
	booked VARCHAR(40) NOT NULL,
	transferred VARCHAR(40) NOT NULL,
	executions BIGINT NOT NULL,
	first_ns BIGINT NOT NULL,
	last_ns BIGINT NOT NULL,
	PRIMARY KEY (account, run, symbol)
);
INSERT INTO "holdings" VALUES('account 1','run 1','symbol 1','1001.10','1001.10','1001.10','1001.10','1001.10','1001.10','1001.10','1001.10',1,1000000000000,1000000000000);
INSERT INTO "holdings" VALUES('account 2','run 2','symbol 2','1002.10','1002.10','1002.10','1002.10','1002.10','1002.10','1002.10','1002.10',2,2000000000000,2000000000000);
CREATE TABLE live_executions (
	id INTEGER NOT NULL,
	client_order_id VARCHAR NOT NULL,
	broker_id VARCHAR NOT NULL,
	filled VARCHAR(40) NOT NULL,
	account VARCHAR NOT NULL,
	run VARCHAR NOT NULL,
	symbol VARCHAR NOT NULL,
	side VARCHAR NOT NULL,
	qty VARCHAR(40) NOT NULL,
	price VARCHAR(40) NOT NULL,
	time_ns BIGINT NOT NULL,
	commission VARCHAR(40) NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (client_order_id, filled)
);
INSERT INTO "live_executions" VALUES(1,'client_order_id 1','broker_id 1','1001.10','account 1','run 1','symbol 1','side 1','1001.10','1001.10',1000000000000,'1001.10');
INSERT INTO "live_executions" VALUES(2,'client_order_id 2','broker_id 2','1002.10','account 2','run 2','symbol 2','side 2','1002.10','1002.10',2000000000000,'1002.10');
CREATE TABLE live_orders (
	client_order_id VARCHAR NOT NULL,
	decision_id INTEGER NOT NULL,
	place BIGINT NOT NULL,
	symbol VARCHAR NOT NULL,
	side VARCHAR NOT NULL,
	qty VARCHAR(40) NOT NULL,
	intent VARCHAR NOT NULL,
	attempt BIGINT NOT NULL,
	state VARCHAR NOT NULL,
	tif VARCHAR NOT NULL,
	broker_id VARCHAR NOT NULL,
	status VARCHAR NOT NULL,
	filled VARCHAR(40) NOT NULL,
	price VARCHAR(40),
	reason VARCHAR NOT NULL,
	created_ns BIGINT NOT NULL,
	updated_ns BIGINT NOT NULL,
	PRIMARY KEY (client_order_id),
	FOREIGN KEY(decision_id) REFERENCES decisions (id)
);
INSERT INTO "live_orders" VALUES('client_order_id 1',1,1000000000000,'symbol 1','side 1','1001.10','intent 1',1000000000000,'state 1','tif 1','broker_id 1','status 1','1001.10',NULL,'reason 1',1000000000000,1000000000000);
INSERT INTO "live_orders" VALUES('client_order_id 2',2,2000000000000,'symbol 2','side 2','1002.10','intent 2',2000000000000,'state 2','tif 2','broker_id 2','status 2','1002.10',NULL,'reason 2',2000000000000,2000000000000);
CREATE TABLE orders (
	id INTEGER NOT NULL,
	run_id INTEGER NOT NULL,
	number BIGINT NOT NULL,
	time_ns BIGINT NOT NULL,
	symbol VARCHAR NOT NULL,
	size VARCHAR(40) NOT NULL,
	kind VARCHAR NOT NULL,
	price VARCHAR(40),
	status VARCHAR NOT NULL,
	filled VARCHAR(40) NOT NULL,
	reason VARCHAR NOT NULL,
	intent VARCHAR NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (run_id, number),
	FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
INSERT INTO "orders" VALUES(1,1,1000000000000,1000000000000,'symbol 1','1001.10','kind 1',NULL,'status 1','1001.10','reason 1','intent 1');
INSERT INTO "orders" VALUES(2,2,2000000000000,2000000000000,'symbol 2','1002.10','kind 2',NULL,'status 2','1002.10','reason 2','intent 2');
CREATE TABLE reconciliations (
	id INTEGER NOT NULL,
	"key" VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	run VARCHAR,
	"by" VARCHAR NOT NULL,
	time_ns BIGINT NOT NULL,
	positions TEXT NOT NULL,
	cash VARCHAR(40),
	differences TEXT NOT NULL,
	PRIMARY KEY (id),
	UNIQUE ("key")
);
INSERT INTO "reconciliations" VALUES(1,'key 1','account 1','run 1','by 1',1000000000000,'{"a":[1,"x"]}','1001.10','{"a":[1,"x"]}');
INSERT INTO "reconciliations" VALUES(2,'key 2','account 2','run 2','by 2',2000000000000,'{"a":[2,"x"]}','1002.10','{"a":[2,"x"]}');
CREATE TABLE runs (
	id INTEGER NOT NULL,
	created_ns BIGINT NOT NULL,
	strategy VARCHAR NOT NULL,
	strategy_source VARCHAR NOT NULL,
	symbols TEXT NOT NULL,
	spec TEXT NOT NULL,
	source VARCHAR NOT NULL,
	start VARCHAR NOT NULL,
	"end" VARCHAR NOT NULL,
	interval VARCHAR NOT NULL,
	fingerprint VARCHAR NOT NULL,
	versions TEXT NOT NULL,
	directory VARCHAR,
	cash VARCHAR(40) NOT NULL,
	final_value VARCHAR(40) NOT NULL,
	metrics TEXT NOT NULL,
	warnings TEXT NOT NULL,
	trades BIGINT NOT NULL,
	fills BIGINT NOT NULL,
	rejected BIGINT NOT NULL,
	seconds DOUBLE NOT NULL, "key" VARCHAR,
	PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES(1,1000000000000,'strategy 1','strategy_source 1','["AAA","B1"]','{"a":[1,"x"]}','source 1','start 1','end 1','interval 1','fingerprint 1','{"a":[1,"x"]}',NULL,'1001.10','1001.10','{"a":[1,"x"]}','["AAA","B1"]',1000000000000,1000000000000,1000000000000,1.1,NULL);
INSERT INTO "runs" VALUES(2,2000000000000,'strategy 2','strategy_source 2','["AAA","B2"]','{"a":[2,"x"]}','source 2','start 2','end 2','interval 2','fingerprint 2','{"a":[2,"x"]}',NULL,'1002.10','1002.10','{"a":[2,"x"]}','["AAA","B2"]',2000000000000,2000000000000,2000000000000,2.1,'told-1');
CREATE TABLE signals (
	id INTEGER NOT NULL,
	account VARCHAR NOT NULL,
	run VARCHAR NOT NULL,
	strategy VARCHAR NOT NULL,
	bar_ns BIGINT NOT NULL,
	convictions TEXT NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (account, run, bar_ns)
);
INSERT INTO "signals" VALUES(1,'account 1','run 1','strategy 1',1000000000000,'{"a":[1,"x"]}');
INSERT INTO "signals" VALUES(2,'account 2','run 2','strategy 2',2000000000000,'{"a":[2,"x"]}');
CREATE TABLE snapshots (
	id INTEGER NOT NULL,
	account VARCHAR NOT NULL,
	run VARCHAR NOT NULL,
	time_ns BIGINT NOT NULL,
	equity VARCHAR(40) NOT NULL,
	cash VARCHAR(40) NOT NULL,
	positions TEXT NOT NULL,
	source VARCHAR NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (account, run, time_ns)
);
INSERT INTO "snapshots" VALUES(1,'account 1','run 1',1000000000000,'1001.10','1001.10','{"a":[1,"x"]}','source 1');
INSERT INTO "snapshots" VALUES(2,'account 2','run 2',2000000000000,'1002.10','1002.10','{"a":[2,"x"]}','source 2');
CREATE TABLE steering_answers (
	id INTEGER NOT NULL,
	request_id INTEGER NOT NULL,
	account VARCHAR NOT NULL,
	run VARCHAR NOT NULL,
	taken BOOLEAN NOT NULL,
	text VARCHAR NOT NULL,
	bar_ns BIGINT NOT NULL,
	answered_ns BIGINT NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (account, run, request_id),
	FOREIGN KEY(request_id) REFERENCES steering_requests (id)
);
INSERT INTO "steering_answers" VALUES(1,1,'account 1','run 1',1,'text 1',1000000000000,1000000000000);
INSERT INTO "steering_answers" VALUES(2,2,'account 2','run 2',0,'text 2',2000000000000,2000000000000);
CREATE TABLE steering_requests (
	id INTEGER NOT NULL,
	"key" VARCHAR NOT NULL,
	kind VARCHAR NOT NULL,
	strategy VARCHAR NOT NULL,
	run VARCHAR NOT NULL,
	facts TEXT NOT NULL,
	"by" VARCHAR NOT NULL,
	asked_ns BIGINT NOT NULL,
	PRIMARY KEY (id),
	UNIQUE ("key")
);
INSERT INTO "steering_requests" VALUES(1,'key 1','kind 1','strategy 1','run 1','{"a":[1,"x"]}','by 1',1000000000000);
INSERT INTO "steering_requests" VALUES(2,'key 2','kind 2','strategy 2','run 2','{"a":[2,"x"]}','by 2',2000000000000);
CREATE TABLE sweeps (
	id INTEGER NOT NULL,
	"key" VARCHAR NOT NULL,
	created_ns BIGINT NOT NULL,
	finished_ns BIGINT,
	strategy VARCHAR NOT NULL,
	strategy_source VARCHAR NOT NULL,
	universe TEXT NOT NULL,
	fingerprint VARCHAR NOT NULL,
	spec TEXT NOT NULL,
	space TEXT NOT NULL,
	method VARCHAR NOT NULL,
	objective VARCHAR NOT NULL,
	seed BIGINT NOT NULL,
	engine VARCHAR NOT NULL,
	start VARCHAR NOT NULL,
	"end" VARCHAR NOT NULL,
	sessions BIGINT NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "sweeps" VALUES(1,'key 1',1000000000000,NULL,'strategy 1','strategy_source 1','["AAA","B1"]','fingerprint 1','{"a":[1,"x"]}','{"a":[1,"x"]}','method 1','objective 1',1000000000000,'engine 1','start 1','end 1',1000000000000);
INSERT INTO "sweeps" VALUES(2,'key 2',2000000000000,NULL,'strategy 2','strategy_source 2','["AAA","B2"]','fingerprint 2','{"a":[2,"x"]}','{"a":[2,"x"]}','method 2','objective 2',2000000000000,'engine 2','start 2','end 2',2000000000000);
CREATE TABLE trials (
	sweep_id INTEGER NOT NULL,
	number BIGINT NOT NULL,
	params TEXT NOT NULL,
	total_return DOUBLE,
	cagr DOUBLE,
	volatility DOUBLE,
	sharpe DOUBLE,
	sortino DOUBLE,
	calmar DOUBLE,
	max_drawdown DOUBLE,
	exposure DOUBLE,
	turnover DOUBLE,
	costs DOUBLE,
	win_rate DOUBLE,
	average_trade DOUBLE,
	profit_factor DOUBLE,
	trades DOUBLE,
	fills DOUBLE,
	rejected DOUBLE,
	final_value DOUBLE,
	blocks BLOB NOT NULL,
	PRIMARY KEY (sweep_id, number),
	FOREIGN KEY(sweep_id) REFERENCES sweeps (id)
)
 WITHOUT ROWID

;
INSERT INTO "trials" VALUES(1,1,'{"fast":1}',1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,X'0001FF');
INSERT INTO "trials" VALUES(2,2,'{"fast":2}',2.1,2.1,2.1,2.1,2.1,2.1,2.1,2.1,2.1,2.1,2.1,2.1,2.1,2.1,2.1,2.1,2.1,X'0001FF0001FF');
CREATE TABLE verdicts (
	id INTEGER NOT NULL,
	created_ns BIGINT NOT NULL,
	run_id INTEGER,
	strategy VARCHAR NOT NULL,
	strategy_source VARCHAR NOT NULL,
	params TEXT NOT NULL,
	universe TEXT NOT NULL,
	fingerprint VARCHAR NOT NULL,
	passed BOOLEAN NOT NULL,
	reasons TEXT NOT NULL,
	numbers TEXT NOT NULL, "key" VARCHAR,
	PRIMARY KEY (id),
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
INSERT INTO "verdicts" VALUES(1,1000000000000,1,'strategy 1','strategy_source 1','{"a":[1,"x"]}','["AAA","B1"]','fingerprint 1',1,'["AAA","B1"]','{"a":[1,"x"]}',NULL);
INSERT INTO "verdicts" VALUES(2,2000000000000,2,'strategy 2','strategy_source 2','{"a":[2,"x"]}','["AAA","B2"]','fingerprint 2',0,'["AAA","B2"]','{"a":[2,"x"]}',NULL);
CREATE INDEX ix_live_executions_account_time ON live_executions (account, time_ns);
CREATE INDEX ix_live_executions_holding ON live_executions (account, run, symbol, time_ns);
CREATE INDEX ix_live_executions_time ON live_executions (time_ns);
CREATE TRIGGER live_executions_no_update BEFORE UPDATE ON live_executions BEGIN SELECT RAISE(ABORT, 'live_executions are append-only'); END;
CREATE TRIGGER live_executions_no_delete BEFORE DELETE ON live_executions BEGIN SELECT RAISE(ABORT, 'live_executions are append-only'); END;
CREATE INDEX ix_account_notes_account ON account_notes (account);
CREATE UNIQUE INDEX ix_account_notes_key ON account_notes ("key");
CREATE TRIGGER account_notes_no_update BEFORE UPDATE ON account_notes BEGIN SELECT RAISE(ABORT, 'account_notes are append-only'); END;
CREATE TRIGGER account_notes_no_delete BEFORE DELETE ON account_notes BEGIN SELECT RAISE(ABORT, 'account_notes are append-only'); END;
CREATE TRIGGER steering_requests_no_update BEFORE UPDATE ON steering_requests BEGIN SELECT RAISE(ABORT, 'steering_requests are append-only'); END;
CREATE TRIGGER steering_requests_no_delete BEFORE DELETE ON steering_requests BEGIN SELECT RAISE(ABORT, 'steering_requests are append-only'); END;
CREATE TRIGGER signals_no_update BEFORE UPDATE ON signals BEGIN SELECT RAISE(ABORT, 'signals are append-only'); END;
CREATE TRIGGER signals_no_delete BEFORE DELETE ON signals BEGIN SELECT RAISE(ABORT, 'signals are append-only'); END;
CREATE TRIGGER snapshots_no_update BEFORE UPDATE ON snapshots BEGIN SELECT RAISE(ABORT, 'snapshots are append-only'); END;
CREATE TRIGGER snapshots_no_delete BEFORE DELETE ON snapshots BEGIN SELECT RAISE(ABORT, 'snapshots are append-only'); END;
CREATE INDEX ix_reconciliations_account ON reconciliations (account);
CREATE TRIGGER reconciliations_no_update BEFORE UPDATE ON reconciliations BEGIN SELECT RAISE(ABORT, 'reconciliations are append-only'); END;
CREATE TRIGGER reconciliations_no_delete BEFORE DELETE ON reconciliations BEGIN SELECT RAISE(ABORT, 'reconciliations are append-only'); END;
CREATE INDEX ix_sweeps_key ON sweeps ("key");
CREATE INDEX ix_sweeps_strategy ON sweeps (strategy);
CREATE INDEX ix_live_orders_decision_id ON live_orders (decision_id);
CREATE INDEX ix_steering_answers_request_id ON steering_answers (request_id);
CREATE TRIGGER steering_answers_no_update BEFORE UPDATE ON steering_answers BEGIN SELECT RAISE(ABORT, 'steering_answers are append-only'); END;
CREATE TRIGGER steering_answers_no_delete BEFORE DELETE ON steering_answers BEGIN SELECT RAISE(ABORT, 'steering_answers are append-only'); END;
CREATE TRIGGER trials_no_update BEFORE UPDATE ON trials BEGIN SELECT RAISE(ABORT, 'trials are append-only'); END;
CREATE TRIGGER trials_no_delete BEFORE DELETE ON trials BEGIN SELECT RAISE(ABORT, 'trials are append-only'); END;
CREATE INDEX ix_verdicts_strategy_source ON verdicts (strategy_source);
CREATE TRIGGER verdicts_no_update BEFORE UPDATE ON verdicts BEGIN SELECT RAISE(ABORT, 'verdicts are append-only'); END;
CREATE TRIGGER verdicts_no_delete BEFORE DELETE ON verdicts BEGIN SELECT RAISE(ABORT, 'verdicts are append-only'); END;
CREATE UNIQUE INDEX ix_runs_key ON runs ("key");
CREATE UNIQUE INDEX ix_verdicts_key ON verdicts ("key");
COMMIT;
PRAGMA user_version = 5;
