{{- /*
What is said of the pods of a component, in YAML: for all of them, and for these. Takes (list . COMPONENT), the component
as it is called in the values, which need not know it.
*/ -}}
{{- define "workcenter.pods" -}}
{{- $root := index . 0 -}}
{{- $own := index $root.Values (index . 1) | default dict -}}
{{- $pods := mergeOverwrite (deepCopy $root.Values.pods) (deepCopy ($own.pods | default dict)) -}}
{{- range keys (include "workcenter.selector" (list $root "") | fromYaml) -}}
{{- if hasKey $pods.labels . -}}
{{- fail (printf "pods.labels: %s is what pods are found by" .) -}}
{{- end -}}
{{- end -}}
{{- toYaml $pods -}}
{{- end -}}

{{- /* Labels and annotations of pods. Takes (list . COMPONENT PODS ANNOTATIONS). */ -}}
{{- define "workcenter.pod.metadata" -}}
{{- $pods := index . 2 -}}
labels:
  {{- include "workcenter.selector" . | nindent 2 }}
  {{- with $pods.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (index . 3) $pods.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* What the pods of all components have in common: no rights, no root, no token. Takes (list . ACCOUNT PODS). */ -}}
{{- define "workcenter.pod" -}}
{{- $root := index . 0 -}}
{{- $pods := index . 2 -}}
serviceAccountName: {{ index . 1 | quote }}
automountServiceAccountToken: false
# Variables named after Services could pass for settings.
enableServiceLinks: false
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- range $key := list "nodeSelector" "tolerations" "affinity" }}
{{- with get $pods $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- range $key := list "priorityClassName" "schedulerName" "runtimeClassName" }}
{{- with get $pods $key }}
{{ $key }}: {{ . | quote }}
{{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{- /* What all containers have in common. */ -}}
{{- define "workcenter.container" -}}
image: {{ include "workcenter.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{- /* When a pod of a program that serves lives, and when it is ready. Takes (list . COMPONENT). */ -}}
{{- define "workcenter.probes" -}}
{{- $port := include "workcenter.healthPort" . -}}
# A pod that waits for its schema lives, and is not ready: to start it anew would not help.
startupProbe:
  grpc: {port: {{ $port }}, service: liveness}
  periodSeconds: 2
  failureThreshold: 45
  timeoutSeconds: 3
livenessProbe:
  grpc: {port: {{ $port }}, service: liveness}
  periodSeconds: 10
  failureThreshold: 6
  timeoutSeconds: 3
readinessProbe:
  grpc: {port: {{ $port }}}
  periodSeconds: 5
  failureThreshold: 2
  timeoutSeconds: 3
{{- end -}}

{{- /* Pods of a component and a version keep apart where they can. Takes (list . COMPONENT PODS). */ -}}
{{- define "workcenter.spread" -}}
{{- $pods := index . 2 }}
{{- $over := dict "topology.kubernetes.io/zone" $pods.spreadZones "kubernetes.io/hostname" $pods.spreadNodes }}
{{- range $key, $otherwise := $over }}
- topologyKey: {{ $key }}
  maxSkew: 1
  whenUnsatisfiable: {{ $otherwise }}
  labelSelector:
    matchLabels:
      {{- include "workcenter.selector" $ | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end -}}

{{- /* How long a program may take to stop, in seconds: its delay, its drain, and ten more for what comes after. */ -}}
{{- define "workcenter.grace" -}}
{{- add .Values.settings.shared.drainDelaySeconds .Values.settings.shared.drainSeconds 10 -}}
{{- end -}}

{{- /* How many pods a Deployment has, unless an autoscaler says so. Takes the values of the component. */ -}}
{{- define "workcenter.replicas" -}}
{{- if not .autoscaling.enabled }}
replicas: {{ int .replicas }}
{{- end }}
{{- end -}}
