"""REST calls about rules: make, change, try and backfill; what they decided."""

from typing import Annotated

from fastapi import FastAPI, Query, Response

from otel_threads.api import rule_bodies
from otel_threads.api.rest.annotation_routes import ProjectQuery, ThreadQuery
from otel_threads.api.rest.list_part import CursorQuery, LimitQuery, Part, TotalQuery
from otel_threads.api.rest.route import BASE, CONFLICT, ERRORS, MISSING, json_response
from otel_threads.core.limits import PAGE_ITEMS_DEFAULT
from otel_threads.core.rule import DryRun, Queued, Rule
from otel_threads.services.rules import RuleService

RULES = f"{BASE}/rules"
ONE = f"{RULES}/{{rule_id}}"


def add_rules(api: FastAPI, rules: RuleService) -> None:
    """Add the calls that make, change and list rules."""

    @api.get(RULES, response_model=rule_bodies.Rules, responses=ERRORS, tags=["rules"])
    def list_rules(part: Part, project: ProjectQuery = None) -> Response:
        """List rules, each with its threads by state and what it costs."""
        return json_response(part.of(rules.rules(project=project)))

    @api.post(RULES, response_model=Rule, responses=ERRORS | CONFLICT, tags=["rules"])
    def put_rule(body: rule_bodies.NewRule) -> Response:
        """Make a rule, in place of the one with its project and name."""
        return json_response(rules.put(**body.given()))

    @api.get(ONE, response_model=Rule, responses=ERRORS | MISSING, tags=["rules"])
    def get_rule(rule_id: str) -> Response:
        """Show one rule."""
        return json_response(rules.rule(rule_id))

    @api.patch(ONE, response_model=Rule, responses=ERRORS | MISSING | CONFLICT, tags=["rules"])
    def update_rule(rule_id: str, body: rule_bodies.RuleChange) -> Response:
        """Change fields of a rule; what is left out stays."""
        return json_response(rules.update(rule_id, body.fields()))

    @api.delete(ONE, status_code=204, responses=ERRORS | MISSING, tags=["rules"])
    def delete_rule(rule_id: str) -> Response:
        """Delete a rule with its decisions; its scores stay."""
        rules.delete(rule_id)
        return Response(status_code=204)


def add_rule_log(api: FastAPI, rules: RuleService) -> None:
    """Add the call that lists what a rule logged."""

    @api.get(
        f"{ONE}/log",
        response_model=rule_bodies.RuleLog,
        responses=ERRORS | MISSING,
        tags=["rules"],
    )
    def list_log(
        rule_id: str,
        limit: LimitQuery = PAGE_ITEMS_DEFAULT,
        cursor: CursorQuery = None,
        with_total: TotalQuery = False,
    ) -> Response:
        """List the lines of a rule's log, the latest first."""
        found = rules.log(rule_id, limit=limit, cursor=cursor, with_total=with_total)
        return json_response(found)


def add_rule_runs(api: FastAPI, rules: RuleService) -> None:
    """Add the calls that try and backfill rules, and that say what they decided."""

    @api.get(
        f"{ONE}/decisions",
        response_model=rule_bodies.Decisions,
        responses=ERRORS | MISSING,
        tags=["rules"],
    )
    def list_decisions(
        rule_id: str,
        state: Annotated[
            str | None,
            Query(
                description="waiting, sampled_out, not_matched, over_budget, scored or failed.",
            ),
        ] = None,
        thread_id: ThreadQuery = None,
        limit: LimitQuery = PAGE_ITEMS_DEFAULT,
        cursor: CursorQuery = None,
        with_total: TotalQuery = False,
    ) -> Response:
        """List what a rule decided about threads, and why; the latest first."""
        return json_response(
            rules.decisions(
                rule_id,
                state=state,
                thread_id=thread_id,
                limit=limit,
                cursor=cursor,
                with_total=with_total,
            )
        )

    @api.post(
        f"{ONE}/dry-run",
        response_model=DryRun,
        responses=ERRORS | MISSING | CONFLICT,
        tags=["rules"],
    )
    def dry_run(rule_id: str, body: rule_bodies.RuleTrial) -> Response:
        """Run a rule on the latest matching inactive threads without writing scores."""
        return json_response(rules.dry_run(rule_id, **body.given()))

    @api.post(f"{ONE}/backfill", response_model=Queued, responses=ERRORS | MISSING, tags=["rules"])
    def backfill(rule_id: str, body: rule_bodies.Backfill) -> Response:
        """Queue threads that were here before the rule."""
        return json_response(rules.backfill(rule_id, **body.given()))
